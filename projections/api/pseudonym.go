package api

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// pseudonymLength is how many characters of base 32 a pseudonym has: 40 bits, so that among 100,000 people two share one with a
// chance of one in 200.
const pseudonymLength = 8

// pseudonym names somebody without saying who: the same for as long as the deployment's key is.
func (d detecting) pseudonym(kind string, id *v1.Identifier) string {
	mac := hmac.New(sha256.New, d.pseudonyms)
	for _, part := range []string{kind, id.GetSystem(), id.GetValue()} {
		sum := sha256.Sum256([]byte(part))
		mac.Write(sum[:])
	}
	return kind + " " + base32.StdEncoding.EncodeToString(mac.Sum(nil))[:pseudonymLength]
}

// hide replaces everybody in a row by pseudonyms, and takes away what names them in words.
func (d detecting) hide(row *v1.AlertRow) {
	row.Title = ""
	for i, r := range row.Readers {
		row.Readers[i] = &v1.AlertReader{Display: d.pseudonym("reader", r.Identifier)}
	}
	for i, p := range row.Patients {
		row.Patients[i] = &v1.AlertPatient{Display: d.pseudonym("record", p.Identifier)}
	}
}
