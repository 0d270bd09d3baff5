//! Reports of labelled files.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use konflik::base::statistics::poisson_tail;
use konflik::batch::{
    BatchParams, BatchReport, ModelScores, SourceFile, Sources, Week, spikes, top_words,
};
use konflik::corpus::{CoderOptions, CoderTable, Labels};
use konflik::evaluate::{EvaluateParams, PrevalenceParams, agreement, evaluate, prevalence};
use konflik::label::Routes;
use konflik::report::{Lang, Pages};
use konflik::{Codebook, Corpus, Error, Model, ReadOptions, Reader};
use serde::Deserialize;
use tempfile::TempDir;

#[derive(Deserialize)]
struct Oracle {
    tails: Vec<Case>,
    series: Vec<Series>,
}

#[derive(Deserialize)]
struct Case {
    n: u64,
    rate: f64,
    tail: f64,
}

#[derive(Deserialize)]
struct Series {
    counts: Vec<u64>,
    spikes: Vec<Expected>,
}

#[derive(Deserialize)]
struct Expected {
    week: usize,
    usual: f64,
    chance: f64,
}

#[test]
fn weeks_stand_out_as_scipy_says() {
    let oracle: Oracle = serde_json::from_str(include_str!("../oracle/spikes.json")).unwrap();
    for case in &oracle.tails {
        let ours = poisson_tail(case.n, case.rate);
        assert!(
            (ours / case.tail - 1.0).abs() < 1e-9,
            "{} of {}: {ours}",
            case.n,
            case.rate
        );
    }
    for series in &oracle.series {
        let week = |n: &u64| Week {
            monday: String::new(),
            codes: Vec::new(),
            n: *n,
        };
        let weeks: Vec<Week> = series.counts.iter().map(week).collect();
        let found = spikes(&weeks, 0);
        assert_eq!(found.len(), series.spikes.len());
        for (ours, expected) in found.iter().zip(&series.spikes) {
            assert_eq!((ours.week, ours.usual), (expected.week, expected.usual));
            assert!((ours.chance / expected.chance - 1.0).abs() < 1e-9);
        }
    }
}

fn codebook() -> Codebook {
    Codebook::read(Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/corpus/codebook.toml"
    )))
    .unwrap()
}

fn file(folder: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn no_sources<'a>(codebook: &'a Codebook, files: &'a [SourceFile]) -> Sources<'a> {
    Sources {
        codebook,
        model: None,
        routes: None,
        gold: None,
        coders: None,
        scores: None,
        files,
    }
}

fn labelled_file(path: &Path) -> Vec<SourceFile> {
    vec![SourceFile {
        kind: "labelled",
        name: path.display().to_string(),
        sha256: Some("0".repeat(64)),
    }]
}

fn measured(path: &Path, params: &BatchParams) -> konflik::Result<BatchReport> {
    let (codebook, files) = (codebook(), labelled_file(path));
    let reader = Reader::open(path, &ReadOptions::default()).unwrap();
    BatchReport::measure(reader, &no_sources(&codebook, &files), params)
}

const HEADER: &str = "id,date,channel,text,konflik_conflict,konflik_conflict_probability,konflik_conflict_decision,konflik_conflict_evidence,konflik_topic,konflik_topic_probability,konflik_topic_decision,konflik_topic_evidence,konflik_language,konflik_model,konflik_codebook,konflik_duplicate_of\n";

fn line(id: u32, text: &str, conflict: &str, p: f64, decision: &str, evidence: &str) -> String {
    format!(
        "{id},2026-02-{:02},app,\"{}\",{conflict},{p:.4},{decision},\"{evidence}\",access,0.6000,review,,id,m@1,,\n",
        id % 28 + 1,
        text.replace('"', "\"\"")
    )
}

/// Statements that would break a page that trusted them.
fn nasty() -> String {
    let long = "A".repeat(100_000);
    let texts = [
        "<script>alert(1)</script> obat kosong",
        "<img src=x onerror=alert(1)> \" ' & </bdi></mark></style>",
        "=cmd|' /C calc'!A0",
        "{{ 7 * 7 }} {% raw %} ${x}",
        "\u{202E}kosong obat\u{202C} \u{2066}x",
        "نص عربي and שלום together",
        "[link](javascript:alert(1)) **bold** `code` | cell\n# heading",
        &long,
        "\u{7}\u{1b}[31mred",
    ];
    let mut out = String::from(HEADER);
    for (id, text) in (1..).zip(texts) {
        out.push_str(&line(
            id,
            text,
            "realistic",
            0.97,
            "auto",
            "<script> kosong onerror AAAA",
        ));
        out.push_str(&line(100 + id, text, "non_realistic", 0.96, "auto", "cmd"));
        out.push_str(&line(200 + id, text, "none", 0.4, "abstain", "link"));
    }
    out
}

#[test]
fn no_statement_breaks_a_page() {
    let folder = TempDir::new().unwrap();
    let path = file(&folder, "<b>labelled.csv", &nasty());
    let report = measured(&path, &BatchParams::default()).unwrap();
    for lang in [Lang::En, Lang::Id] {
        let pages = Pages::new(lang, None).unwrap();
        let html = pages.report_html(&report).unwrap();
        for unwanted in [
            "<script", "<img", "<b>", "\u{202E}", "\u{2066}", "\u{1b}", "\u{7}",
        ] {
            assert!(!html.contains(unwanted), "{unwanted:?}");
        }
        assert!(html.contains("&lt;script&gt;alert") && html.contains("{{ 7 * 7 }}"));
        assert!(!html.contains(&"A".repeat(501)), "a long text is cut");
        assert!(html.contains("100,000") || html.contains("100.000"));
        // Every text of a statement stands in an element of its own direction.
        assert_eq!(
            html.matches("<bdi>").count(),
            html.matches("</bdi>").count()
        );
        assert!(html.matches("<bdi>").count() > 40);
        // What is open is closed, so that nothing of the page is swallowed.
        for tag in [
            "section", "table", "ul", "ol", "details", "figure", "svg", "main", "mark",
        ] {
            let open = html.matches(&format!("<{tag}>")).count()
                + html.matches(&format!("<{tag} ")).count();
            assert_eq!(open, html.matches(&format!("</{tag}>")).count(), "{tag}");
        }
        assert!(html.len() < 500_000, "{}", html.len());
        let markdown = pages.report_markdown(&report).unwrap();
        assert!(!markdown.contains("<script") && !markdown.contains("\n# heading"));
        assert!(!markdown.contains("[link]") && !markdown.contains("**bold**"));
    }
}

/// The numbers count all; what is shown is a few, whatever the order of the rows.
#[test]
fn the_page_samples_and_the_numbers_do_not() {
    let folder = TempDir::new().unwrap();
    let mut rows: Vec<String> = (0..3000)
        .map(|i| {
            let code = ["realistic", "none", "non_realistic"][i as usize % 3];
            line(
                i,
                &format!("Antri lama di loket nomor {i}"),
                code,
                0.5 + f64::from(i % 50) / 100.0,
                "auto",
                "lama",
            )
        })
        .collect();
    let in_order = file(&folder, "a.csv", &(HEADER.to_string() + &rows.concat()));
    let report = measured(&in_order, &BatchParams::default()).unwrap();
    assert_eq!((report.rows.read, report.rows.coded), (3000, 3000));
    assert_eq!(
        report.variables[0]
            .codes
            .iter()
            .map(|c| c.n)
            .collect::<Vec<_>>(),
        [1000; 3]
    );
    assert_eq!(
        report
            .weeks
            .as_ref()
            .unwrap()
            .weeks
            .iter()
            .map(|w| w.n)
            .sum::<u64>(),
        3000
    );
    let triage = &report.triage;
    assert_eq!(
        (triage.queues[0].rows, triage.queues[0].shown.len()),
        (1000, 20)
    );
    assert_eq!(triage.vented.as_ref().unwrap().rows, 1000);
    let html = Pages::new(Lang::En, None)
        .unwrap()
        .report_html(&report)
        .unwrap();
    assert!(html.len() < 300_000, "{}", html.len());
    rows.reverse();
    let reversed = file(&folder, "b.csv", &(HEADER.to_string() + &rows.concat()));
    let again = measured(&reversed, &BatchParams::default()).unwrap();
    assert_eq!(
        report.variables[0].codes[0].words,
        again.variables[0].codes[0].words
    );
    let ids = |r: &BatchReport| {
        let typical = r.variables[0].codes[0].typical.iter();
        typical.map(|e| e.id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&report), ids(&again));
}

/// Everything that can be given, in both languages: no text is missing, and what is said is there.
#[test]
fn all_sources_are_told_in_both_languages() {
    let folder = TempDir::new().unwrap();
    let model = Model::starter().unwrap();
    let codebook = model.codebook().clone();
    let mut coded = String::from(HEADER);
    let mut gold = String::from("id,text,conflict,topic\n");
    let mut coders = String::from("id,text,conflict_ani,conflict_budi\n");
    for id in 0..60 {
        let (code, other) = if id % 3 == 0 {
            ("none", "realistic")
        } else {
            ("realistic", "none")
        };
        coded.push_str(
            &line(id, "Antri lama di puskesmas", code, 0.9, "auto", "lama")
                .replace("m@1", model.id()),
        );
        let truth = if id % 10 == 0 { other } else { code };
        let _ = writeln!(gold, "{id},Antri lama di puskesmas,{truth},access");
        let _ = writeln!(coders, "{id},Antri lama,{code},{truth}");
    }
    let path = file(&folder, "labelled.csv", &coded);
    let gold_path = file(&folder, "gold.csv", &gold);
    let coders_path = file(&folder, "coders.csv", &coders);
    let gold = Corpus::read(&gold_path, codebook.clone(), &ReadOptions::default()).unwrap();
    let labels = Labels::read(&path, &codebook, "konflik_").unwrap();
    let shares = prevalence(&labels, &gold, &PrevalenceParams::default()).unwrap();
    let table = CoderTable::read(&[coders_path], &codebook, &CoderOptions::default()).unwrap();
    let mut params = EvaluateParams::default();
    params.replicates = 50;
    let agreed = agreement(&table, &codebook, &params).unwrap();
    let evaluation = evaluate(&model, &gold, &params).unwrap();
    let scores = ModelScores::try_from(&evaluation).unwrap();
    let routes = Routes::from_toml(
        "schema_version = 1\n[[rule]]\nname = \"queues\"\nwords = [\"antri\"]\nqueue = \"front desk\"\n",
        "routes.toml",
        &codebook,
    )
    .unwrap();
    let files = labelled_file(&path);
    let sources = Sources {
        model: Some(&model),
        routes: Some(&routes),
        gold: Some((&gold, &labels, &shares)),
        coders: Some((&table, &agreed)),
        scores: Some(&scores),
        ..no_sources(&codebook, &files)
    };
    let reader = Reader::open(&path, &ReadOptions::default()).unwrap();
    let report = BatchReport::measure(reader, &sources, &BatchParams::default()).unwrap();
    assert_eq!(report.drift.as_ref().unwrap().unseen.words, 4 * 60);
    assert_eq!(report.variables[0].codes[0].contested.len(), 5);
    for (lang, said) in [
        (Lang::En, "Krippendorff's alpha (nominal) was"),
        (Lang::Id, "alfa Krippendorff (nominal) sebesar"),
    ] {
        let pages = Pages::new(lang, None).unwrap().knowing_words_from(3);
        let html = pages.report_html(&report).unwrap();
        let markdown = pages.report_markdown(&report).unwrap();
        for page in [&html, &markdown] {
            assert!(
                page.contains("front desk") && page.contains("60") && page.contains(model.id())
            );
        }
        let plain = html.replace("&#x27;", "'");
        assert!(plain.contains(said), "{said}");
        assert!(html.contains("chart curve"));
        let evaluated = pages
            .evaluation_html(&scores, &top_words(&model, &gold).unwrap())
            .unwrap();
        assert!(evaluated.contains("antri") && evaluated.contains("chart curve"));
    }
    let other = Sources {
        scores: Some(&scores),
        ..no_sources(&codebook, &files)
    };
    let strange = file(&folder, "strange.csv", &coded.replace(model.id(), "m@1"));
    let reader = Reader::open(&strange, &ReadOptions::default()).unwrap();
    let error = BatchReport::measure(reader, &other, &BatchParams::default()).unwrap_err();
    assert_eq!(error.code(), "K0902");
}

#[test]
fn rows_that_cannot_be_read_are_left_out_and_other_codebooks_refused() {
    let folder = TempDir::new().unwrap();
    let rows = line(1, "Antri", "realistic", 0.9, "auto", "")
        + &line(2, "Antri", "realistik", 0.9, "auto", "")
        + "3,x\n";
    let report = measured(
        &file(&folder, "a.csv", &(HEADER.to_string() + &rows)),
        &BatchParams::default(),
    )
    .unwrap();
    assert_eq!(
        (report.rows.read, report.rows.coded, report.rows.left_out),
        (3, 1, 2)
    );
    assert!(
        report.rows.faults[0].starts_with("[K0310] "),
        "{:?}",
        report.rows.faults
    );
    let other = rows.replace(",m@1,,", ",m@1,0123456789ab,");
    let error = measured(
        &file(&folder, "b.csv", &(HEADER.to_string() + &other)),
        &BatchParams::default(),
    );
    assert!(matches!(
        error,
        Err(Error::CodedByOther {
            what: "codebook",
            ..
        })
    ));
    let nothing = measured(&file(&folder, "c.csv", HEADER), &BatchParams::default());
    assert!(matches!(nothing, Err(Error::NotMeasured { .. })));
}

#[test]
fn templates_of_a_folder_replace_the_built_in_ones() {
    let folder = TempDir::new().unwrap();
    let path = file(
        &folder,
        "a.csv",
        &(HEADER.to_string() + &line(1, "<i>Antri", "realistic", 0.9, "auto", "")),
    );
    let report = measured(&path, &BatchParams::default()).unwrap();
    let empty = Pages::new(Lang::En, Some(folder.path()));
    assert!(matches!(empty, Err(Error::Template { .. })));
    let own = "{{ r.rows.coded | n }} of ours: {{ r.triage.queues[0].shown[0].excerpt.segments[0].text }}";
    file(&folder, "report.html", own);
    let pages = Pages::new(Lang::En, Some(folder.path())).unwrap();
    assert_eq!(
        pages.report_html(&report).unwrap(),
        "1 of ours: &lt;i&gt;Antri"
    );
    file(&folder, "report.html", "\n{{ t(\"gone\") }}");
    let pages = Pages::new(Lang::En, Some(folder.path())).unwrap();
    let error = pages.report_html(&report).unwrap_err();
    assert_eq!(
        error.to_string(),
        "template report.html:2: there is no text \"gone\""
    );
    file(&folder, "report.html", "{% if %}");
    assert!(matches!(
        Pages::new(Lang::En, Some(folder.path())),
        Err(Error::Template { .. })
    ));
}
