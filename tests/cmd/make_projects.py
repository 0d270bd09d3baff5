"""Makes the REFI-QDA projects of `agree.in`: every word in them is invented.

    python3 tests/cmd/make_projects.py
"""

import pathlib
import uuid
import zipfile

HERE = pathlib.Path(__file__).parent / "agree.in"
ROUND = "🍎 bulat dan renyah"
USERS = ["Coder A", "Coder B", "Coder C"]
CODES = ["Fruit", "Apple", "Pear", "memo"]
# Source, statement, code of each coder; "-" where a coder gave none.
CODINGS = [
    (0, ROUND, "Apple", "Apple", "Apple"),
    (0, "lembut dan panjang", "Pear", "Pear", "Apple"),
    (0, "merah & renyah", "Apple", "Apple", "-"),
    (1, "panjang sekali", "Pear", "Apple", "Pear"),
    (1, "bulat", "Apple", "Apple", "Apple"),
    (1, "lembut", "Pear", "Pear", "Pear"),
    (2, "renyah sekali", "Apple", "-", "Apple"),
    (2, "hijau dan lembut", "Pear", "Pear", "Pear"),
]


def guid(*key):
    return "{" + str(uuid.uuid5(uuid.NAMESPACE_URL, "konflik/" + "/".join(map(str, key)))).upper() + "}"


def coding(user, code, *key):
    return f'<Coding guid="{guid("coding", *key)}" creatingUser="{guid("user", user)}"><CodeRef targetGUID="{guid("code", code)}"/></Coding>'


def selection(start, end, inner, *key):
    return f'<PlainTextSelection guid="{guid("selection", *key)}" name="s" startPosition="{start}" endPosition="{end}">{inner}</PlainTextSelection>'


texts, sources = [], []
for number in range(3):
    text, selections = "", []
    for row, (source, statement, *codes) in enumerate(CODINGS):
        if source != number:
            continue
        start = len(text)
        text += statement + "\n"
        given = [(user, code) for user, code in zip(USERS, codes) if code != "-"]
        inner = "".join(coding(user, code, row, user) for user, code in given)
        selections.append(selection(start, start + len(statement), inner, row))
    if number == 0:
        # The third coder marked more of the first statement, and wrote a memo.
        longer = coding("Coder C", "Apple", "longer") + coding("Coder C", "memo", "memo")
        selections.append(selection(0, len(ROUND) + 8, longer, "longer"))
    texts.append(text)
    path = f"internal://{guid('text', number).strip('{}')}.txt"
    sources.append(f'<TextSource guid="{guid("source", number)}" name="Interview" plainTextPath="{path}">{"".join(selections)}</TextSource>')

users = "".join(f'<User guid="{guid("user", name)}" name="{name}"/>' for name in USERS)
inner = "".join(f'<Code guid="{guid("code", name)}" name="{name}" isCodable="true"/>' for name in CODES[1:3])
codes = f'<Code guid="{guid("code", "Fruit")}" name="Fruit" isCodable="false">{inner}</Code><Code guid="{guid("code", "memo")}" name="memo" isCodable="true"/>'
project = (
    '<?xml version="1.0" encoding="utf-8"?>\n<Project xmlns="urn:QDA-XML:project:1.0" name="fruit" origin="konflik">'
    f"<Users>{users}</Users><CodeBook><Codes>{codes}</Codes></CodeBook><Sources>{''.join(sources)}</Sources></Project>\n"
)

with zipfile.ZipFile(HERE / "team.qdpx", "w", zipfile.ZIP_DEFLATED) as archive:
    members = {"project.qde": project} | {f"sources/{guid('text', n).strip('{}')}.txt": text for n, text in enumerate(texts)}
    for name, content in members.items():
        archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), content.encode(), zipfile.ZIP_DEFLATED)

# Entities within entities, which no project has.
BOMB = '<?xml version="1.0"?><!DOCTYPE p [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><Project name="&b;"/>'
with zipfile.ZipFile(HERE / "broken.qdpx", "w") as archive:
    archive.writestr(zipfile.ZipInfo("project.qde", (2026, 1, 1, 0, 0, 0)), BOMB)
