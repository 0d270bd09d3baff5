//! Behavioural tests: expected results of a model for statements written for the test (Ribeiro et
//! al., "Beyond accuracy: behavioral testing with `CheckList`", 2020).

use std::fs;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::Spanned;

use crate::base::toml::{line_of, other_version, syntax_error};
use crate::error::{Error, Location, Result};
use crate::label::Depth;
use crate::model::Model;

/// The version of the test format that this build reads.
const SCHEMA_VERSION: u32 = 1;

/// A file of tests.
#[derive(Debug, Clone)]
pub struct BehaviourTests {
    name: String,
    tests: Vec<(u64, TestFile)>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TestsFile {
    schema_version: u32,
    #[serde(default, rename = "test")]
    tests: Vec<Spanned<TestFile>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct TestFile {
    name: String,
    /// The tested capability, such as `negation`.
    capability: String,
    variable: String,
    expect: Expectation,
    code: Option<String>,
    /// Each case is a statement, or a group of related statements.
    cases: Vec<Vec<String>>,
    /// Share of the cases that may fail.
    #[serde(default)]
    may_fail: f64,
}

/// The expected result of each case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Expectation {
    /// Each statement gets `code`.
    Code,
    /// All statements of the case get the same code as the first.
    Same,
    /// No other statement of the case gets the same code as the first.
    Other,
    /// The probability of `code` is higher in each statement than in the previous one.
    Rises,
}

/// The results of the tests.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Behaviour {
    /// Always `konflik/behaviour`.
    #[schemars(extend("const" = "konflik/behaviour"))]
    pub schema: &'static str,
    /// Version of the schema.
    #[schemars(extend("const" = 1))]
    pub schema_version: u32,
    /// The model's id.
    pub model: String,
    /// The file of tests.
    pub tests_file: String,
    /// Whether no test failed more often than it may.
    pub passed: bool,
    /// One per test.
    pub tests: Vec<BehaviourTest>,
}

/// The result of one test.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct BehaviourTest {
    /// Name of the test.
    pub name: String,
    /// The tested capability.
    pub capability: String,
    /// The variable.
    pub variable: String,
    /// Line of the test in the file.
    pub line: u64,
    /// The expected result.
    pub expect: Expectation,
    /// Share of the cases that may fail.
    pub may_fail: f64,
    /// Number of failed cases.
    pub failed: usize,
    /// Whether the share of failed cases is at most `may_fail`.
    pub passed: bool,
    /// All cases.
    pub cases: Vec<BehaviourCase>,
}

/// The result of one case.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct BehaviourCase {
    /// Whether the expectation was met.
    pub passed: bool,
    /// The statements with their predictions.
    pub statements: Vec<CasePrediction>,
}

/// The prediction for a statement.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CasePrediction {
    /// Text of the statement.
    pub text: String,
    /// The best code.
    pub code: String,
    /// Probability of the best code, or of the code in the test.
    pub probability: f64,
}

impl BehaviourTests {
    /// Reads a file of tests.
    pub fn read(path: &Path) -> Result<Self> {
        let toml = fs::read_to_string(path).map_err(|e| Error::read(path, e))?;
        let name = path.display().to_string();
        let file: TestsFile = toml::from_str(&toml).map_err(|e| syntax_error(&toml, &name, &e))?;
        let refused = |line, reason: String| Error::Behaviour {
            at: Location::new(&name, line, 0),
            reason,
        };
        if let Some(reason) = other_version(file.schema_version, SCHEMA_VERSION) {
            return Err(refused(0, reason));
        }
        if file.tests.is_empty() {
            return Err(refused(0, "it has no [[test]]".into()));
        }
        let mut tests = Vec::new();
        for spanned in file.tests {
            let line = line_of(&toml, spanned.span().start);
            let test = spanned.into_inner();
            test.check().map_err(|reason| refused(line, reason))?;
            tests.push((line, test));
        }
        Ok(Self { name, tests })
    }

    /// Runs the tests on a model.
    pub fn run(&self, model: &Model, depth: Depth) -> Result<Behaviour> {
        let tests = self.tests.iter().map(|(line, test)| {
            let at = || Location::new(&self.name, *line, 0);
            test.run(*line, model, depth, at)
        });
        let tests = tests.collect::<Result<Vec<_>>>()?;
        Ok(Behaviour {
            schema: "konflik/behaviour",
            schema_version: SCHEMA_VERSION,
            model: model.id().to_string(),
            tests_file: self.name.clone(),
            passed: tests.iter().all(|test| test.passed),
            tests,
        })
    }
}

impl TestFile {
    fn check(&self) -> Result<(), String> {
        let wants_code = matches!(self.expect, Expectation::Code | Expectation::Rises);
        let least = if self.expect == Expectation::Code {
            1
        } else {
            2
        };
        if wants_code != self.code.is_some() {
            return Err(
                "`code` is needed with expect = \"code\" or \"rises\", and allowed only there"
                    .into(),
            );
        }
        if self.cases.is_empty() {
            return Err("there are no `cases`".into());
        }
        if self.cases.iter().any(|case| case.len() < least) {
            return Err(format!("a case needs at least {least} statements"));
        }
        if self
            .cases
            .iter()
            .flatten()
            .any(|text| text.trim().is_empty())
        {
            return Err("a statement is empty".into());
        }
        if !(0.0..1.0).contains(&self.may_fail) {
            return Err("may_fail must be a share from 0 to below 1".into());
        }
        Ok(())
    }

    fn run(
        &self,
        line: u64,
        model: &Model,
        depth: Depth,
        at: impl Fn() -> Location,
    ) -> Result<BehaviourTest> {
        let unknown = |reason| Error::Behaviour { at: at(), reason };
        let variable = model.codebook().variable(&self.variable);
        let (position, variable) = variable
            .ok_or_else(|| unknown(format!("the model has no variable {:?}", self.variable)))?;
        let code = match &self.code {
            None => None,
            Some(code) => Some(
                variable
                    .code_called(code)
                    .ok_or_else(|| Error::UnknownCode {
                        at: at(),
                        variable: variable.id.clone(),
                        code: code.clone(),
                        codes: variable.code_ids(),
                    })?,
            ),
        };
        let texts: Vec<&str> = self.cases.iter().flatten().map(String::as_str).collect();
        let mut labelled = model.labelled(&texts, depth)?.into_iter();
        let mut cases = Vec::new();
        for texts in &self.cases {
            let mut statements = Vec::new();
            for (text, prediction) in texts.iter().zip(labelled.by_ref()) {
                let silent = || unknown(format!("{text:?} says nothing, so it has no code"));
                let prediction = prediction.ok_or_else(silent)?;
                let found = &prediction.variables[position];
                statements.push(CasePrediction {
                    text: text.clone(),
                    code: variable.codes[found.code].id.clone(),
                    probability: found.probabilities[code.unwrap_or(found.code)],
                });
            }
            let passed = self.is_met(&statements);
            cases.push(BehaviourCase { passed, statements });
        }
        let failed = cases.iter().filter(|case| !case.passed).count();
        Ok(BehaviourTest {
            name: self.name.clone(),
            capability: self.capability.clone(),
            variable: self.variable.clone(),
            line,
            expect: self.expect,
            may_fail: self.may_fail,
            failed,
            passed: failed as f64 <= self.may_fail * cases.len() as f64,
            cases,
        })
    }

    fn is_met(&self, statements: &[CasePrediction]) -> bool {
        let mut others = statements.iter().skip(1);
        match self.expect {
            Expectation::Code => statements
                .iter()
                .all(|s| Some(&s.code) == self.code.as_ref()),
            Expectation::Same => others.all(|s| s.code == statements[0].code),
            Expectation::Other => others.all(|s| s.code != statements[0].code),
            Expectation::Rises => statements
                .windows(2)
                .all(|pair| pair[1].probability > pair[0].probability),
        }
    }
}
