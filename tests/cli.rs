//! The command line: cases as files under `tests/cmd`, and the examples of the README and of `docs`.
//!
//! `TRYCMD=overwrite cargo test --test cli` writes what is printed now into the cases.

#[cfg(test)]
mod cases {
    use std::fs;
    use std::io::Write;
    use std::path::Path;
    use std::process::{Command, Output, Stdio};

    use tempfile::TempDir;

    #[test]
    fn the_cases_print_what_they_say() {
        trycmd::TestCases::new().case("tests/cmd/*.trycmd");
    }

    /// What the examples of the README and of `docs` read.
    const READ_BY_EXAMPLES: [&str; 4] = [
        "corpus/codebook.toml",
        "corpus/examples/complaints.csv",
        "corpus/examples/interview-02.txt",
        "examples/routes/routes.toml",
    ];

    /// The examples of the README and of `docs` run; those of each file in a folder of their own, as
    /// they write files.
    #[test]
    fn the_readme_and_the_docs_print_what_they_say() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut documents = vec![root.join("README.md")];
        for entry in fs::read_dir(root.join("docs")).unwrap() {
            documents.push(entry.unwrap().path());
        }
        documents.retain(|path| {
            path.extension().is_some_and(|suffix| suffix == "md")
                && fs::read_to_string(path).unwrap().contains("```console\n")
        });
        let cases = trycmd::TestCases::new();
        let mut copies = Vec::new();
        for document in documents {
            let folder = TempDir::new().unwrap();
            let copy = folder.path().join(document.file_name().unwrap());
            fs::copy(&document, &copy).unwrap();
            // trycmd runs a case in a copy of `NAME.in` if there is a `NAME.out`.
            for suffix in ["in", "out"] {
                let part = copy.with_extension(suffix);
                for file in READ_BY_EXAMPLES {
                    let place = part.join(file);
                    fs::create_dir_all(place.parent().unwrap()).unwrap();
                    fs::copy(root.join(file), place).unwrap();
                }
            }
            cases.case(&copy);
            copies.push((folder, copy, document));
        }
        cases.run();
        if std::env::var_os("TRYCMD").is_some_and(|mode| mode == "overwrite") {
            for (_folder, copy, document) in &copies {
                fs::copy(copy, document).unwrap();
            }
        }
    }

    fn konflik(folder: &TempDir, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_konflik"));
        command.current_dir(folder.path()).args(args);
        command
    }

    fn error(output: &Output) -> String {
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    #[test]
    fn a_cell_of_ten_megabytes_is_left_out_and_the_rest_labelled() {
        let folder = TempDir::new().unwrap();
        let cell = "x".repeat(10 << 20);
        fs::write(
            folder.path().join("in.csv"),
            format!("id,text\n1,{cell}\n2,Antri lama\n"),
        )
        .unwrap();
        let output = konflik(&folder, &["label", "in.csv", "-o", "out.csv"])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(
            error(&output).contains("[K0304] in.csv:2: a cell (or row) of 1048576"),
            "{}",
            error(&output)
        );
        let labelled = fs::read_to_string(folder.path().join("out.csv")).unwrap();
        assert_eq!(labelled.lines().count(), 2);
        assert!(folder.path().join("out.csv.rejects.jsonl").is_file());
    }

    fn parquet(file: &str) -> Output {
        let folder = TempDir::new().unwrap();
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cmd/parquet.in");
        fs::copy(fixtures.join(file), folder.path().join(file)).unwrap();
        let args = ["ingest", file, "--output-format", "jsonl"];
        konflik(&folder, &args).output().unwrap()
    }

    #[cfg(not(feature = "parquet"))]
    #[test]
    fn a_build_without_parquet_says_how_to_get_one() {
        for file in ["snappy.parquet", "mislabelled.csv"] {
            let output = parquet(file);
            assert_eq!(output.status.code(), Some(2));
            let said = error(&output);
            assert!(
                said.contains("error[K0211]: ") && said.contains("--features parquet"),
                "{said}"
            );
        }
    }

    #[cfg(feature = "parquet")]
    #[test]
    fn parquet_is_a_table_like_others() {
        let output = parquet("mislabelled.csv");
        let rows = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            rows.contains("\"text\":\"Antri lama, \\\"sekali\\\" 😡\",\"skor\":\"4.5\""),
            "{rows}"
        );
        let said = error(&output);
        assert!(
            said.contains("format: a Parquet table, although the suffix says otherwise"),
            "{said}"
        );
        assert!(said.contains("text column: \"keluhan\" (guessed"), "{said}");
        let cut = parquet("cut.parquet");
        assert_eq!(cut.status.code(), Some(2));
        assert!(
            error(&cut).contains("error[K0208]: cut.parquet"),
            "{}",
            error(&cut)
        );
        let strange = error(&parquet("no-text.parquet"));
        assert!(
            strange.contains("error[K0204]") && strange.contains("\"skor\""),
            "{strange}"
        );
    }

    #[test]
    fn a_full_disk_is_an_error() {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("in.csv"), "id,text\n1,Antri lama\n").unwrap();
        let full = fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .unwrap();
        let output = konflik(&folder, &["label", "in.csv"])
            .stdout(full)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(
            error(&output).contains("error[K0102]: can't write <stdout>: No space left on device"),
            "{}",
            error(&output)
        );
    }

    #[test]
    fn a_reader_that_goes_away_is_no_error() {
        let folder = TempDir::new().unwrap();
        let rows: Vec<String> = (0..20_000)
            .map(|i| format!("{i},Antri lama sekali"))
            .collect();
        fs::write(
            folder.path().join("in.csv"),
            format!("id,text\n{}\n", rows.join("\n")),
        )
        .unwrap();
        let mut child = konflik(&folder, &["label", "in.csv", "--quiet"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(
            (output.status.code(), error(&output).as_str()),
            (Some(0), "")
        );
    }

    #[test]
    fn standard_input_and_output_are_streams() {
        let folder = TempDir::new().unwrap();
        let mut child = konflik(&folder, &["label", "-", "--quiet"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(b"{\"text\":\"Antri lama sekali\"}\n")
            .unwrap();
        let output = child.wait_with_output().unwrap();
        let line: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(line["konflik_conflict"], "realistic");
    }

    #[test]
    fn codebooks_and_corpora_come_from_standard_input_too() {
        let folder = TempDir::new().unwrap();
        let inputs = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cmd/train.in");
        let codebook = format!("{inputs}/codebook.toml");
        for (args, input, status) in [
            (vec!["codebook", "lint", "-"], "codebook.toml", 1),
            (vec!["check", "-", "--codebook", &codebook], "coded.csv", 1),
            (
                vec!["train", "-", "--codebook", &codebook, "-o", "model"],
                "coded.csv",
                0,
            ),
        ] {
            let input = fs::File::open(format!("{inputs}/{input}")).unwrap();
            let output = konflik(&folder, &args).stdin(input).output().unwrap();
            assert_eq!(
                output.status.code(),
                Some(status),
                "{args:?}: {}",
                error(&output)
            );
        }
    }

    /// The commands of the examples for continuous integration run, and write what is uploaded.
    #[test]
    fn the_examples_for_continuous_integration_run() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let corpus = fs::read_to_string(root.join("corpus/statements.csv")).unwrap();
        for (workflow, results) in [
            (
                "github.yml",
                ["konflik.xml", "scores.json", "konflik.summary.md"],
            ),
            (
                "gitlab.yml",
                ["konflik.xml", "konflik.gitlab.json", "scores.md"],
            ),
        ] {
            let folder = TempDir::new().unwrap();
            // The starter model was trained on the corpus, which stands in for gold statements.
            let gate = fs::read_to_string(root.join("examples/ci/gate.toml")).unwrap();
            let known = gate.replace("max_seen = 0.05", "max_seen = 1");
            assert_ne!(gate, known);
            fs::write(folder.path().join("gate.toml"), known).unwrap();
            let gold: Vec<&str> = corpus.lines().take(1000).collect();
            fs::write(
                folder.path().join("gold.csv"),
                gold.join(
                    "
",
                ),
            )
            .unwrap();
            let text = fs::read_to_string(root.join("examples/ci").join(workflow)).unwrap();
            let commands: Vec<&str> = text
                .lines()
                .filter_map(|line| {
                    line.trim()
                        .trim_start_matches("- ")
                        .strip_prefix("konflik ")
                })
                .collect();
            assert_eq!(commands.len(), 1, "{workflow}");
            let mut args: Vec<&str> = commands[0].split_whitespace().collect();
            args.extend(["--replicates", "50"]);
            let output = konflik(&folder, &args).output().unwrap();
            assert_eq!(output.status.code(), Some(0), "{}", error(&output));
            for result in results {
                assert!(
                    text.contains(result) && folder.path().join(result).is_file(),
                    "{result}"
                );
            }
        }
    }

    /// A code that was given by a slip of the hand is the first to be looked at again.
    #[test]
    fn a_slip_in_the_gold_codes_is_doubted() {
        let folder = TempDir::new().unwrap();
        let inputs = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cmd/train.in"));
        let coded = fs::read_to_string(inputs.join("coded.csv")).unwrap();
        let slipped = coded.replace(
            "1,crisp round red number aa,apple",
            "1,crisp round red number aa,pear",
        );
        assert_ne!(slipped, coded);
        fs::write(folder.path().join("coded.csv"), slipped).unwrap();
        fs::copy(
            inputs.join("codebook.toml"),
            folder.path().join("codebook.toml"),
        )
        .unwrap();
        let args = ["check", "coded.csv", "--doubtful", "doubts.csv"];
        let output = konflik(&folder, &args).output().unwrap();
        assert!(error(&output).contains("codes to look at again (fruit "));
        let doubts = fs::read_to_string(folder.path().join("doubts.csv")).unwrap();
        let first = doubts.lines().nth(1).unwrap();
        assert!(
            first.starts_with("1,crisp round red number aa,fruit,pear,apple,"),
            "{doubts}"
        );
    }

    /// What failed leaves nothing behind, and what was there stays as it was.
    #[test]
    fn a_failed_run_leaves_nothing_half_written() {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("in.csv"), "id,text\n1,Antri\n2,\"open\n").unwrap();
        fs::write(folder.path().join("out.csv"), "precious\n").unwrap();
        let output = konflik(&folder, &["label", "in.csv", "-o", "out.csv", "--force"])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert_eq!(
            fs::read_to_string(folder.path().join("out.csv")).unwrap(),
            "precious\n"
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn labels_are_the_same_with_any_number_of_threads() {
        let folder = TempDir::new().unwrap();
        let examples = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/corpus/examples/complaints.csv"
        );
        let with = |threads: &str| {
            konflik(
                &folder,
                &["label", examples, "--quiet", "--threads", threads],
            )
            .output()
            .unwrap()
            .stdout
        };
        let one = with("1");
        assert!(one.len() > 10_000 && one == with("3"));
    }
}
