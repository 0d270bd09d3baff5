//! The schemas in `docs/schemas` are those of the types that the commands write as JSON. What the
//! commands print follows them, and the schemas let nothing else pass.
//!
//! After a change of a type, `UPDATE_SCHEMAS=1 cargo test --test schemas` writes the schemas.

#[cfg(test)]
mod cases {
    use std::env;
    use std::fs;
    use std::path::Path;
    use std::process::Command;

    use jsonschema::Validator;
    use konflik::Evaluation;
    use konflik::batch::BatchReport;
    use konflik::corpus::check::CheckReport;
    use konflik::evaluate::{
        Ablation, Agreement, Behaviour, Comparison, LearningCurve, Prevalence,
    };
    use konflik::model::ModelDocument;
    use regex::{Captures, Regex};
    use schemars::generate::SchemaSettings;
    use schemars::transform::RecursiveTransform;
    use schemars::{JsonSchema, Schema};
    use serde_json::{Value, json};
    use tempfile::TempDir;

    /// Each schema, the folder of inputs, and commands of which the last prints a document.
    const OUTPUTS: &[(&str, &str, &[&str])] = &[
        (
            "ablation",
            "train",
            &["evaluate coded.csv --ablate --replicates 50"],
        ),
        (
            "agreement",
            "agree",
            &["agree ani.csv budi.jsonl studio.json labelled.csv"],
        ),
        ("agreement", "agree", &["agree ani.csv budi.jsonl"]),
        ("behaviour", "behave", &["behave fails.toml"]),
        ("check", "train", &["check coded.csv"]),
        (
            "comparison",
            "compare",
            &["compare before.csv after.jsonl --gold gold.csv"],
        ),
        ("evaluation", "evaluate", &["evaluate gold.csv"]),
        (
            "evaluation",
            "gate",
            &[
                "train coded.csv -o model",
                "evaluate coded.csv --model model --gate misses.toml",
            ],
        ),
        (
            "learning-curve",
            "train",
            &["evaluate coded.csv --learning-curve"],
        ),
        ("model", "train", &["model show"]),
        (
            "model",
            "train",
            &["train coded.csv -o model", "model show model"],
        ),
        (
            "prevalence",
            "prevalence",
            &["prevalence labelled.csv --gold sample.csv --by source"],
        ),
        (
            "prevalence",
            "sample",
            &["prevalence labelled.csv --gold picked.csv"],
        ),
        (
            "report",
            "report",
            &["report labelled.csv --gold gold.csv --routes routes.toml -o report.json"],
        ),
        (
            "report",
            "report",
            &[
                "label gold.csv -o labelled-again.csv",
                "evaluate gold.csv --replicates 50 -o scores-again.json",
                "report labelled-again.csv --evaluation scores-again.json -o report.json",
            ],
        ),
    ];

    /// Each schema, derived from its type.
    fn derived() -> Vec<(&'static str, Schema)> {
        vec![
            published::<Ablation>("ablation"),
            published::<Agreement>("agreement"),
            published::<Behaviour>("behaviour"),
            published::<CheckReport>("check"),
            published::<Comparison>("comparison"),
            published::<Evaluation>("evaluation"),
            published::<LearningCurve>("learning-curve"),
            published::<ModelDocument<'_>>("model"),
            published::<Prevalence>("prevalence"),
            published::<BatchReport>("report"),
        ]
    }

    /// The schema of a type, under its name and the version that the type has.
    fn published<T: JsonSchema>(name: &'static str) -> (&'static str, Schema) {
        let generator = SchemaSettings::draft2020_12()
            .for_serialize()
            .with_transform(RecursiveTransform(strict))
            .into_generator();
        let mut schema = generator.into_root_schema_for::<T>();
        let version = schema.pointer("/properties/schema_version/const").unwrap();
        let id = format!("urn:konflik:schema:{name}:{version}");
        schema.insert("$id".into(), id.into());
        schema.insert("title".into(), format!("konflik/{name}").into());
        (name, schema)
    }

    /// Allows no other fields, and says things in the words of JSON.
    fn strict(schema: &mut Schema) {
        // `uint64` and `double` are types of Rust; defaults are for readers, and all is written.
        schema.remove("format");
        schema.remove("default");
        if schema.get("properties").is_some() {
            schema.insert("additionalProperties".into(), false.into());
        }
        if let Some(text) = schema.get("description").and_then(Value::as_str) {
            let text = plain(text);
            schema.insert("description".into(), text.into());
        }
    }

    /// A documentation comment as one line without marks; `None` is `null`.
    fn plain(text: &str) -> String {
        let code = Regex::new(r"\[?`(?:\w+::)*([^`]+)`\]?").unwrap();
        let line = text.replace('\n', " ");
        let line = code.replace_all(&line, |found: &Captures<'_>| match &found[1] {
            "None" => "null".to_string(),
            word => word.to_string(),
        });
        line.into_owned()
    }

    /// Whoever changes a type changes what readers rely on, and says so in the schema.
    #[test]
    fn committed_schemas_are_those_of_the_types() {
        for (name, schema) in derived() {
            let path = project(&format!("docs/schemas/{name}.schema.json"));
            let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
            if env::var_os("UPDATE_SCHEMAS").is_some() {
                fs::write(&path, &text).unwrap();
            }
            assert!(
                fs::read_to_string(&path).unwrap() == text,
                "docs/schemas/{name}.schema.json is not the schema of its type; to write it: \
                 UPDATE_SCHEMAS=1 cargo test --test schemas"
            );
        }
    }

    fn project(path: &str) -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
    }

    fn schema(name: &str) -> Value {
        let path = project(&format!("docs/schemas/{name}.schema.json"));
        serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
    }

    /// What the last of the commands prints as JSON, or writes if it ends with the file's name.
    fn document(inputs: &str, commands: &[&str]) -> Value {
        let folder = TempDir::new().unwrap();
        for file in fs::read_dir(project(&format!("tests/cmd/{inputs}.in"))).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), folder.path().join(file.file_name())).unwrap();
        }
        let mut printed = Vec::new();
        for (number, command) in (1..).zip(commands) {
            let mut konflik = Command::new(env!("CARGO_BIN_EXE_konflik"));
            konflik
                .current_dir(folder.path())
                .args(command.split_whitespace());
            let writes = number == commands.len() && command.contains(" -o ");
            if number == commands.len() && !writes {
                konflik.args(["--print", "json"]);
            }
            let output = konflik.output().unwrap();
            // 1 is a finding: a test that fails, a gate that is missed.
            let status = output.status.code();
            let error = String::from_utf8_lossy(&output.stderr);
            assert!(matches!(status, Some(0 | 1)), "{command}: {error}");
            printed = match command.rsplit(' ').next() {
                Some(file) if writes => fs::read(folder.path().join(file)).unwrap(),
                _ => output.stdout,
            };
        }
        serde_json::from_slice(&printed).unwrap()
    }

    /// The pointers of all objects in a value, but for those that may hold anything.
    fn objects(value: &Value, at: &str, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                found.push(at.to_string());
                for (key, value) in fields.iter().filter(|(key, _)| *key != "scores") {
                    let key = key.replace('~', "~0").replace('/', "~1");
                    objects(value, &format!("{at}/{key}"), found);
                }
            }
            Value::Array(items) => {
                for (i, item) in items.iter().enumerate() {
                    objects(item, &format!("{at}/{i}"), found);
                }
            }
            _ => {}
        }
    }

    fn assert_follows(validator: &Validator, document: &Value, of: &str) {
        let faults: Vec<String> = validator
            .iter_errors(document)
            .map(|e| format!("{}: {e}", e.instance_path()))
            .collect();
        assert!(faults.is_empty(), "{of}: {}", faults.join("\n"));
    }

    /// A field more anywhere, or one less at the top, is not what the schema describes.
    fn assert_follows_only(validator: &Validator, document: &Value, of: &str) {
        let mut places = Vec::new();
        objects(document, "", &mut places);
        for place in &places {
            let mut more = document.clone();
            let object = more.pointer_mut(place).and_then(Value::as_object_mut);
            object
                .unwrap()
                .insert("surprise".into(), json!({ "surprise": 1 }));
            assert!(!validator.is_valid(&more), "{of}: a field more in {place}");
        }
        for key in document.as_object().unwrap().keys() {
            let mut less = document.clone();
            less.as_object_mut().unwrap().remove(key);
            let is_optional = key == "gate";
            assert_eq!(validator.is_valid(&less), is_optional, "{of}: no {key}");
        }
    }

    #[test]
    fn outputs_follow_their_schemas_and_nothing_else_does() {
        for (name, inputs, commands) in OUTPUTS {
            let of = format!("{name} by {commands:?}");
            let validator = jsonschema::validator_for(&schema(name)).unwrap();
            let document = document(inputs, commands);
            assert_follows(&validator, &document, &of);
            assert_follows_only(&validator, &document, &of);
        }
    }

    /// Every schema has an output that is tested, and says which version of which form it is of.
    #[test]
    fn schemas_name_their_form_and_version() {
        let mut names: Vec<String> = fs::read_dir(project("docs/schemas"))
            .unwrap()
            .filter_map(|file| {
                let name = file.unwrap().file_name().into_string().unwrap();
                name.strip_suffix(".schema.json").map(String::from)
            })
            .collect();
        names.sort();
        let mut tested: Vec<&str> = OUTPUTS.iter().map(|(name, ..)| *name).collect();
        tested.dedup();
        assert_eq!(names, tested);
        for name in names {
            let schema = schema(&name);
            assert!(jsonschema::meta::is_valid(&schema), "{name}");
            let fields = &schema["properties"];
            assert_eq!(fields["schema"]["const"], format!("konflik/{name}"));
            let version = &fields["schema_version"]["const"];
            assert_eq!(
                schema["$id"],
                format!("urn:konflik:schema:{name}:{version}")
            );
        }
    }
}
