package cli

import (
	"encoding/hex"
	"errors"
	"time"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

func (q SourcesSet) change(s *v1.SourceRegistered) error {
	for _, f := range []struct {
		given string
		to    *string
	}{
		{q.Owner, &s.Owner},
		{q.Zone, &s.TimeZone},
		{q.BaseURL, &s.BaseUrl},
		{q.PatientSystem, &s.PatientSystem},
		{q.ReaderSystem, &s.ReaderSystem},
	} {
		if f.given != "" {
			*f.to = f.given
		}
	}
	switch q.Identity {
	case "native":
		s.IdentityPolicy = v1.IdentityPolicy_IDENTITY_POLICY_NATIVE
	case "content":
		s.IdentityPolicy = v1.IdentityPolicy_IDENTITY_POLICY_CONTENT
	case "content+ordinal":
		s.IdentityPolicy = v1.IdentityPolicy_IDENTITY_POLICY_CONTENT_ORDINAL
	}
	if len(q.Systems) > 0 {
		s.Systems = q.Systems
	}
	if q.Silence > 0 {
		s.ExpectedSilenceS = uint32(q.Silence / time.Second)
	}
	if q.PairWithin > 0 {
		s.PairWithinS = uint32(q.PairWithin / time.Second)
	}
	if q.Certificate != "" {
		sum, err := hex.DecodeString(q.Certificate)
		if err != nil || len(sum) != 32 {
			return errors.New("read --certificate: want 64 hexadecimal digits, the SHA-256 of the certificate (DER)")
		}
		s.CertificateSha256 = sum
	}
	s.Disabled = q.Disable
	return nil
}
