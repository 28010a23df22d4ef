fn main() { print!("{}", server::http::openapi::merchant_json()); }
