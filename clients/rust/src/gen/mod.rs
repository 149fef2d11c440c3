// Made by generate.sh. Modules are nested as packages are.
#[cfg(feature = "documents")]
pub(crate) mod documents;
pub(crate) mod methods;
pub mod windlass {
    pub mod v1;
    pub mod config {
        pub mod v1;
    }
}
