"""Checks mails as their receivers do: Python's email under its strict policy, and dkimpy for the signatures.

Arguments: a folder with one .eml file a mail, expected.json about them, and dns.txt with the records that were to be published.
"""

import email
import email.policy
import html
import json
import pathlib
import re
import sys

import dkim

folder = pathlib.Path(sys.argv[1])
expected = json.loads((folder / "expected.json").read_text())

published = {}
for line in (folder / "dns.txt").read_text().splitlines():
    name, text = line.split(" IN TXT ")
    published[name.encode()] = "".join(re.findall(r'"([^"]*)"', text)).encode()


def answers(name, timeout=5):
    return published.get(name)


ALWAYS = ["From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type",
          "Auto-Submitted", "X-Auto-Response-Suppress"]
LIST = ["References", "In-Reply-To", "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "Precedence"]
UNSIGNED = {"auto-submitted", "x-auto-response-suppress", "precedence"}


def is_signed(raw, number):
    try:
        return dkim.DKIM(raw).verify(idx=number, dnsfunc=answers)
    except dkim.DKIMException:
        return False


def check(name, raw, wanted):
    assert raw.isascii() and b"\0" not in raw, "not ASCII"
    assert b"\r" not in raw.replace(b"\r\n", b"") and b"\n" not in raw.replace(b"\r\n", b""), "a lone CR or LF"
    assert all(len(line) <= 998 for line in raw.split(b"\r\n")), "a line is too long"

    # The strict policy raises whatever defect it meets, in headers as in bodies.
    mail = email.message_from_bytes(raw, policy=email.policy.strict)
    is_list = wanted["is_list"]
    names = [field for field in mail.keys() if field != "DKIM-Signature"]
    assert sorted(names) == sorted(ALWAYS + (LIST if is_list else [])), names
    for field in mail.keys():
        assert not mail[field].defects, (field, mail[field].defects)
    assert len(mail["From"].addresses) == 1 and len(mail["To"].addresses) == 1
    assert mail["From"].addresses[0].addr_spec == wanted["from"], mail["From"]
    assert mail["To"].addresses[0].addr_spec == wanted["to"], mail["To"]
    # Python puts a space between the encoded words of a phrase, where RFC 2047 wants none.
    sender = mail["From"].addresses[0].display_name
    assert "".join(sender.split()) == "".join(wanted["sender"].split()), repr(sender)
    subject = str(mail["Subject"])
    assert subject.strip() == wanted["subject"].strip(), (subject, wanted["subject"])
    assert not any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in subject), repr(subject)

    assert mail.get_content_type() == "multipart/alternative"
    parts = list(mail.iter_parts())
    assert [part.get_content_type() for part in parts] == ["text/plain", "text/html"], "text comes first"
    assert all(not part.defects and part.get_content_charset() == "utf-8" for part in parts)
    text, page = (part.get_content() for part in parts)
    for word in wanted["says"]:
        assert word in text, (word, text)
    for link in re.findall(r'href="([^"]*)"', page):
        link = html.unescape(link).removeprefix("mailto:")
        assert link in text, ("the text lacks a link", link, text)
    assert "<script" not in page and "<img" not in page and "url(" not in page, "something active or remote"

    if is_list:
        line = [line for line in raw.split(b"\r\n") if line.startswith(b"List-Unsubscribe: ")]
        assert len(line) == 1 and re.fullmatch(rb"List-Unsubscribe: <https?://[^ <>,]+/unsubscribe/[\w-]{38}>", line[0]), line
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert mail["Precedence"] == "bulk"

    signatures = mail.get_all("DKIM-Signature", [])
    tags = [dict(tag.strip().split("=", 1) for tag in str(one).split(";")) for one in signatures]
    assert sorted(tag["a"] for tag in tags) == ["ed25519-sha256", "rsa-sha256"], tags
    for number, tag in enumerate(tags):
        assert tag["d"] == "example.com" and tag["c"] == "relaxed/relaxed" and "l" not in tag, tag
        signed = re.sub(r"\s", "", tag["h"]).lower().split(":")
        must = [field.lower() for field in names if field.lower() not in UNSIGNED] + ["from", "to", "subject"]
        assert sorted(signed) == sorted(must), signed
        assert is_signed(raw, number), (tag, "the signature does not hold")
    if wanted["tamper"]:
        forgeries = [
            raw.replace(b"\r\nTo: ", b"\r\nTo: x", 1),
            raw.replace(b"\r\nSubject: ", b"\r\nSubject: x", 1),
            raw + b"more\r\n",
            *(field + b": <eve@example.com>\r\n" + raw for field in (b"From", b"To", b"Subject")),
        ]
        if is_list:
            forgeries += [
                raw.replace(b"/unsubscribe/", b"/unsubscribe/x", 1),
                raw.replace(b"=One-Click", b"=Two-Clicks", 1),
                raw.replace(b"\r\nList-Id: ", b"\r\nList-Id: x", 1),
            ]
        for forged in forgeries:
            assert forged != raw and not any(is_signed(forged, number) for number in range(2)), forged


mails = sorted(folder.glob("*.eml"))
assert mails and sorted(expected) == [path.name for path in mails], "each mail is expected, and all that are expected came"
for path in mails:
    try:
        check(path.name, path.read_bytes(), expected[path.name])
    except Exception as error:
        sys.exit(f"{path.name}: {type(error).__name__}: {error}\n{path.read_text()}")
print(f"{len(mails)} mails are well-formed and signed")
