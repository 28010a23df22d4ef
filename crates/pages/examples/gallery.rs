//! Writes every page with sample data into a folder, the assets beside them, for people to look at:
//! `cargo run -p counterfoil-pages --example gallery -- /tmp/gallery`, then serve that folder
//! (`python3 -m http.server -d /tmp/gallery`): browsers refuse to draw a sprite from `file:`.

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

use pages::Language;

#[path = "../tests/samples/mod.rs"]
mod samples;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = env::args().nth(1).ok_or("usage: gallery FOLDER")?;
    let folder = Path::new(&folder);
    write_assets(&folder.join("assets"))?;
    let mut index =
        String::from("<!doctype html><meta charset=\"utf-8\"><title>Gallery</title><h1>Gallery</h1>");
    for language in Language::ALL {
        let tag = language.tag();
        fs::create_dir_all(folder.join(tag))?;
        write!(index, "<h2>{tag}</h2><ul>")?;
        for sample in samples::all(language) {
            let name = sample.name;
            fs::write(folder.join(tag).join(format!("{name}.html")), still(&sample.html, language))?;
            write!(index, "<li><a href=\"{tag}/{name}.html\">{name}</a>")?;
        }
        index.push_str("</ul>");
    }
    fs::write(folder.join("index.html"), index)?;
    Ok(())
}

fn write_assets(folder: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(folder)?;
    for name in pages::asset::names() {
        if let Some(asset) = pages::asset(name) {
            fs::write(folder.join(name), asset.bytes)?;
        }
    }
    Ok(())
}

/// Without a server behind it a page must not listen for events; the language switch goes to the same file's twin.
fn still(html: &str, language: Language) -> String {
    html.replace("\"/assets/", "\"../assets/")
        .replace(" sse-connect=", " data-listens-to=")
        .replace(" data-leads-to ", " ")
        .replace("src=\"/", "src=\"")
        .replace("\"?lang=", &format!("\"../{}/?lang=", language.other().tag()))
}
