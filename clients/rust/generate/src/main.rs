//! A plugin of buf and protoc. For each package of the files asked for it makes `{package as folders}.rs`: prost's messages
//! and tonic's clients; `methods.rs`, which says what the transport must know of each method; and
//! `documents.rs`, which says the fields of configs.

use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::rc::Rc;

use prost::Message;
use prost_build::{Config, Module, Service, ServiceGenerator};
use prost_types::compiler::code_generator_response::{Feature, File};
use prost_types::compiler::{CodeGeneratorRequest, CodeGeneratorResponse};
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::method_options::IdempotencyLevel;
use prost_types::{DescriptorProto, EnumValueDescriptorProto, FieldDescriptorProto, FileDescriptorProto};

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

/// The package whose messages are made of documents, too.
const CONFIG: &str = "windlass.config.v1";

/// What src/documents.rs must know of the messages of configs.
fn documents(files: &[FileDescriptorProto]) -> io::Result<String> {
    let files: Vec<_> = files.iter().filter(|file| file.package() == CONFIG).collect();
    let mut out = String::from("use crate::documents::{Field, Kind};\n");
    for message in files.iter().flat_map(|file| &file.message_type) {
        let mut fields = String::new();
        for field in &message.field {
            let (name, number) = (field.name(), field.number());
            let kind = kind_of(field, message)?;
            let repeated = field.label() == Label::Repeated && kind != "Kind::TextMap";
            fields += &format!("Field {{ name: {name:?}, number: {number}, repeated: {repeated}, kind: {kind} }},\n");
        }
        let constant = constant_of(message.name());
        out += &format!("\npub(crate) static {constant}: &[Field] = &[\n{fields}];\n");
    }
    for each in files.iter().flat_map(|file| &file.enum_type) {
        // The first is never written.
        let (first, rest) = each.value.split_first().ok_or_else(|| io::Error::other("an enum without values"))?;
        let prefix = first.name().trim_end_matches("UNSPECIFIED");
        let bare = |value: &EnumValueDescriptorProto| value.name().trim_start_matches(prefix).to_owned();
        let values: String = rest.iter().map(|value| format!("({:?}, {}),\n", bare(value), value.number())).collect();
        let constant = constant_of(each.name());
        out += &format!("\npub(crate) static {constant}: &[(&str, i32)] = &[\n{values}];\n");
    }
    Ok(out)
}

fn kind_of(field: &FieldDescriptorProto, message: &DescriptorProto) -> io::Result<String> {
    let name = field.type_name();
    let local = name.strip_prefix(&format!(".{CONFIG}.")).unwrap_or_default();
    let is_map = message.nested_type.iter().any(|nested| local == format!("{}.{}", message.name(), nested.name()));
    Ok(match (field.r#type(), name) {
        (Type::String, _) => "Kind::Text".into(),
        (Type::Bool, _) => "Kind::Bool".into(),
        (Type::Double, _) => "Kind::Double".into(),
        (Type::Uint32, _) => "Kind::Unsigned".into(),
        (Type::Int32, _) => "Kind::Signed".into(),
        (Type::Enum, _) => format!("Kind::Enum({})", constant_of(local)),
        (Type::Message, ".google.protobuf.Value") => "Kind::Value".into(),
        (Type::Message, ".google.protobuf.Struct") => "Kind::Struct".into(),
        // No other map is in use.
        (Type::Message, _) if is_map => "Kind::TextMap".into(),
        (Type::Message, _) if !local.is_empty() => format!("Kind::Message({})", constant_of(local)),
        (other, _) => {
            let problem = format!("{}.{}: {other:?} {name} is not known here", message.name(), field.name());
            return Err(io::Error::other(problem));
        }
    })
}

/// `HTTPOptions` is `HTTP_OPTIONS`.
fn constant_of(name: &str) -> String {
    let bytes = name.as_bytes();
    let hump = |i: usize| {
        let lower_after = bytes.get(i + 1).is_some_and(u8::is_ascii_lowercase);
        i > 0 && bytes[i].is_ascii_uppercase() && (bytes[i - 1].is_ascii_lowercase() || lower_after)
    };
    let parts = name.char_indices().map(|(i, letter)| (if hump(i) { "_" } else { "" }, letter));
    parts.map(|(gap, letter)| format!("{gap}{}", letter.to_ascii_uppercase())).collect()
}

fn generate(request: CodeGeneratorRequest) -> io::Result<Vec<File>> {
    let methods = Rc::new(RefCell::new(Methods::default()));
    let tonic = tonic_prost_build::configure().build_server(false).build_transport(false).service_generator();
    let mut config = Config::new();
    config.btree_map(["."]);
    config.service_generator(Box::new(Noting { tonic, methods: methods.clone() }));
    let module = |file: &FileDescriptorProto| Module::from_protobuf_package_name(file.package());
    let wanted: Vec<Module> = request
        .proto_file
        .iter()
        .filter(|file| request.file_to_generate.iter().any(|n| n == file.name()))
        .map(module)
        .collect();
    let documents = documents(&request.proto_file)?;
    // prost looks into what is imported, too.
    let files = request.proto_file.into_iter().map(|file| (module(&file), file)).collect();
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
    out.push(("methods.rs".into(), format!("// Made by generate.sh.\n{}", lists.join("\n"))));
    out.push(("documents.rs".into(), format!("// Made by generate.sh.\n{documents}")));
    out.sort();
    let file = |(name, content)| File { name: Some(name), content: Some(content), ..File::default() };
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
