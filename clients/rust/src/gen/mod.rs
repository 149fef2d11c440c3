// Made by generate.sh. Modules are nested as packages are.
pub(crate) mod methods;
pub mod windlass {
    pub mod v1;
    pub mod config {
        pub mod v1;
    }
}
