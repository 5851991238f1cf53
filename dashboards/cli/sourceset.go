package cli

import (
	"encoding/hex"
	"errors"
	"time"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

var identityPolicies = map[string]v1.IdentityPolicy{
	"native":          v1.IdentityPolicy_IDENTITY_POLICY_NATIVE,
	"content":         v1.IdentityPolicy_IDENTITY_POLICY_CONTENT,
	"content+ordinal": v1.IdentityPolicy_IDENTITY_POLICY_CONTENT_ORDINAL,
}

// request names the fields that were given, so that the server keeps the others.
func (q SourcesSet) request() (*v1.RegisterSourceRequest, error) {
	s := &v1.SourceRegistered{Name: q.Name, Disabled: q.Disable}
	req := &v1.RegisterSourceRequest{Source: s, NewCredential: q.NewCredential, Fields: []string{"name"}}
	for _, f := range []struct {
		name  string
		given *string
		to    *string
	}{
		{"owner", q.Owner, &s.Owner},
		{"time_zone", q.Zone, &s.TimeZone},
		{"base_url", q.BaseURL, &s.BaseUrl},
		{"patient_system", q.PatientSystem, &s.PatientSystem},
		{"reader_system", q.ReaderSystem, &s.ReaderSystem},
	} {
		if f.given != nil {
			*f.to = *f.given
			req.Fields = append(req.Fields, f.name)
		}
	}
	for _, f := range []struct {
		name  string
		given *time.Duration
		to    *uint32
	}{{"expected_silence_s", q.Silence, &s.ExpectedSilenceS}, {"pair_within_s", q.PairWithin, &s.PairWithinS}} {
		if f.given != nil {
			*f.to = uint32(*f.given / time.Second)
			req.Fields = append(req.Fields, f.name)
		}
	}
	if q.Identity != "" {
		s.IdentityPolicy = identityPolicies[q.Identity]
		req.Fields = append(req.Fields, "identity_policy")
	}
	if q.Systems != nil {
		s.Systems = *q.Systems
		req.Fields = append(req.Fields, "systems")
	}
	if q.Disable || q.Enable {
		req.Fields = append(req.Fields, "disabled")
	}
	if q.Certificate != nil {
		sum, err := hex.DecodeString(*q.Certificate)
		if err != nil || len(sum) != 32 && len(sum) != 0 {
			return nil, errors.New("read --certificate: want 64 hexadecimal digits, the SHA-256 of the certificate (DER)")
		}
		s.CertificateSha256 = sum
		req.Fields = append(req.Fields, "certificate_sha256")
	}
	return req, nil
}
