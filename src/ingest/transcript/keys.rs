//! Labels of header data: `Nama`, `Hari/Tanggal`, `Date of interview`.

/// Words of the labels of header data.
const KEYS: &[&str] = &[
    "address",
    "age",
    "agama",
    "alamat",
    "bahasa",
    "code",
    "date",
    "day",
    "desa",
    "durasi",
    "duration",
    "education",
    "gender",
    "hari",
    "id",
    "inisial",
    "initials",
    "instansi",
    "institution",
    "institusi",
    "jabatan",
    "judul",
    "kecamatan",
    "kelamin",
    "kelurahan",
    "kode",
    "kota",
    "language",
    "location",
    "lokasi",
    "media",
    "metode",
    "name",
    "nama",
    "narator",
    "nomor",
    "occupation",
    "job",
    "organisasi",
    "organization",
    "pekerjaan",
    "pendidikan",
    "place",
    "position",
    "profesi",
    "profession",
    "religion",
    "sex",
    "status",
    "suku",
    "tanggal",
    "tema",
    "tempat",
    "tgl",
    "time",
    "title",
    "topic",
    "topik",
    "transcriber",
    "transkriptor",
    "umur",
    "usia",
    "waktu",
];

/// Most words of a label, and of a value such as `Tim A`.
pub(super) const LABEL_WORDS: usize = 4;

/// Whether a label as a whole names header data: `Tanggal`, `Hari/Tanggal`, `Nama`.
pub(super) fn is_key(label: &str) -> bool {
    let label = label.to_lowercase();
    let mut words = words(&label).peekable();
    words.peek().is_some() && words.all(|w| KEYS.contains(&w))
}

/// Whether a label may name header data: `Nama Informan`, `Date of interview`.
pub(super) fn has_key(label: &str) -> bool {
    let label = label.to_lowercase();
    words(&label).count() <= LABEL_WORDS && words(&label).any(|w| KEYS.contains(&w))
}

pub(super) fn words(label: &str) -> impl Iterator<Item = &str> {
    label
        .split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty())
}
