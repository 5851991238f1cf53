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

// pseudonyms name somebody without saying who: the same for as long as the deployment's key is.
type pseudonyms struct{ key []byte }

// of is the pseudonym of an identifier. Patients, readers and workstations are apart: a patient who works here has two, and nobody sees
// that they are one person's.
func (p pseudonyms) of(whom v1.Whom, id *v1.Identifier) string {
	kind := pseudonymKinds()[whom]
	mac := hmac.New(sha256.New, p.key)
	for _, part := range []string{kind, id.GetSystem(), id.GetValue()} {
		sum := sha256.Sum256([]byte(part))
		mac.Write(sum[:])
	}
	return kind + " " + base32.StdEncoding.EncodeToString(mac.Sum(nil))[:pseudonymLength]
}

// pseudonymKinds are those who have pseudonyms, and what they are called there.
func pseudonymKinds() map[v1.Whom]string {
	return map[v1.Whom]string{v1.Whom_WHOM_PATIENT: "record", v1.Whom_WHOM_READER: "reader", v1.Whom_WHOM_WORKSTATION: "workstation"}
}
