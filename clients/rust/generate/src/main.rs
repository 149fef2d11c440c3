//! A plugin of buf and protoc. For each package of the files asked for it makes `{package as folders}.rs`: prost's messages
//! and tonic's clients; and `methods.rs`, which says what the transport must know of each method.

use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::rc::Rc;

use prost::Message;
use prost_build::{Config, Module, Service, ServiceGenerator};
use prost_types::compiler::code_generator_response::{Feature, File};
use prost_types::compiler::{CodeGeneratorRequest, CodeGeneratorResponse};
use prost_types::method_options::IdempotencyLevel;
use prost_types::FileDescriptorProto;

/// The paths of methods that differ from an ordinary call.
#[derive(Default)]
struct Methods {
    /// Unary, without side effects.
    safe: Vec<String>,
    streaming: Vec<String>,
}

/// Hands on to tonic's generator, and notes the methods.
struct Noting {
    tonic: Box<dyn ServiceGenerator>,
    methods: Rc<RefCell<Methods>>,
}

impl ServiceGenerator for Noting {
    fn generate(&mut self, service: Service, buf: &mut String) {
        let mut methods = self.methods.borrow_mut();
        for method in &service.methods {
            let path = format!("/{}.{}/{}", service.package, service.proto_name, method.proto_name);
            if method.client_streaming || method.server_streaming {
                methods.streaming.push(path);
            } else if method.options.idempotency_level() == IdempotencyLevel::NoSideEffects {
                methods.safe.push(path);
            }
        }
        self.tonic.generate(service, buf);
    }

    fn finalize(&mut self, buf: &mut String) {
        self.tonic.finalize(buf);
    }

    fn finalize_package(&mut self, package: &str, buf: &mut String) {
        self.tonic.finalize_package(package, buf);
    }
}

fn list(name: &str, about: &str, mut paths: Vec<String>) -> String {
    paths.sort();
    let lines: String = paths.iter().map(|path| format!("    {path:?},\n")).collect();
    format!("/// {about}\npub(crate) const {name}: &[&str] = &[\n{lines}];\n")
}

fn generate(request: CodeGeneratorRequest) -> io::Result<Vec<File>> {
    let methods = Rc::new(RefCell::new(Methods::default()));
    let tonic = tonic_prost_build::configure()
        .build_server(false)
        .build_transport(false)
        .service_generator();
    let mut config = Config::new();
    config.btree_map(["."]);
    config.service_generator(Box::new(Noting {
        tonic,
        methods: methods.clone(),
    }));
    let module = |file: &FileDescriptorProto| Module::from_protobuf_package_name(file.package());
    let wanted: Vec<Module> = request
        .proto_file
        .iter()
        .filter(|file| request.file_to_generate.iter().any(|n| n == file.name()))
        .map(module)
        .collect();
    // prost looks into what is imported, too.
    let files = request
        .proto_file
        .into_iter()
        .map(|file| (module(&file), file))
        .collect();
    let mut out: Vec<(String, String)> = config
        .generate(files)?
        .into_iter()
        .filter(|(module, _)| wanted.contains(module))
        .map(|(module, code)| {
            let name = module.to_file_name_or("root");
            let path = name.trim_end_matches(".rs").replace('.', "/");
            (format!("{path}.rs"), format!("// Made by generate.sh.\n{code}"))
        })
        .collect();
    let Methods { safe, streaming } = methods.take();
    let lists = [
        list("SAFE", "Unary calls without side effects.", safe),
        list("STREAMING", "Calls that answer with a stream.", streaming),
    ];
    out.push((
        "methods.rs".into(),
        format!("// Made by generate.sh.\n{}", lists.join("\n")),
    ));
    out.sort();
    let file = |(name, content)| File {
        name: Some(name),
        content: Some(content),
        ..File::default()
    };
    Ok(out.into_iter().map(file).collect())
}

fn main() -> io::Result<()> {
    let mut input = Vec::new();
    io::stdin().read_to_end(&mut input)?;
    let request = CodeGeneratorRequest::decode(input.as_slice()).map_err(io::Error::other)?;
    let mut response = CodeGeneratorResponse {
        supported_features: Some(Feature::Proto3Optional as u64),
        ..CodeGeneratorResponse::default()
    };
    match generate(request) {
        Ok(files) => response.file = files,
        Err(error) => response.error = Some(error.to_string()),
    }
    io::stdout().write_all(&response.encode_to_vec())
}
