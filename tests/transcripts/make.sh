#!/usr/bin/env bash
# Makes the Word fixtures of tests/cmd/ingest.in from the flat ODT files beside it, with LibreOffice
# (made with 7.4.7, Debian package libreoffice-writer). The other fixtures there are written by
# hand. Every sentence is our own.
set -euo pipefail
cd "$(dirname "$0")"
profile=$(mktemp -d)
trap 'rm -rf "$profile"' EXIT
soffice "-env:UserInstallation=file://$profile" --headless --convert-to docx \
  --outdir ../cmd/ingest.in interview.fodt thesis.fodt
