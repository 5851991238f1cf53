package register

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Limits on what may be registered. They keep the fold in memory and the metric labels small.
const (
	maxSources     = 10_000
	maxTokens      = 100_000
	maxText        = 200
	maxURL         = 1_000
	maxSystems     = 100
	maxSilence     = 366 * 24 * time.Hour
	maxPairWithin  = 10 * time.Minute
	certificateSum = 32
)

var sourceName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)

// validateSource reports all faults at once.
func (r *Register) validateSource(s *v1.SourceRegistered, newCredential bool) error {
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !sourceName.MatchString(s.Name) {
		fault("name: want 1 to 63 of a-z, 0-9, '.', '_' and '-', beginning with a letter or digit")
	}
	if s.Name == proto.OwnSource {
		fault("name: looks through Readtrail are told under this one: choose another")
	}
	if err := checkText(s.Owner); err != nil {
		fault("owner: %w", err)
	}
	if s.TimeZone == "" || s.TimeZone == "Local" {
		fault("time_zone: an IANA name is required, for example Europe/Vienna")
	} else if _, err := time.LoadLocation(s.TimeZone); err != nil {
		fault("time_zone: no IANA zone has this name")
	}
	if _, known := v1.IdentityPolicy_name[int32(s.IdentityPolicy)]; !known || s.IdentityPolicy == v1.IdentityPolicy_IDENTITY_POLICY_UNSPECIFIED {
		fault("identity_policy: say native, content or content+ordinal")
	}
	if err := checkBaseURL(s.BaseUrl); err != nil {
		fault("base_url: %w", err)
	}
	for field, text := range map[string]string{"patient_system": s.PatientSystem, "reader_system": s.ReaderSystem} {
		if err := checkText(text); err != nil {
			fault("%s: %w", field, err)
		}
	}
	if len(s.Systems) > maxSystems {
		fault("systems: at most %d", maxSystems)
	}
	for _, system := range s.Systems {
		if err := checkText(system); err != nil || system == "" {
			fault("systems: want names of 1 to %d characters", maxText)
			break
		}
	}
	if time.Duration(s.ExpectedSilenceS)*time.Second > maxSilence {
		fault("expected_silence_s: at most a year")
	}
	if time.Duration(s.PairWithinS)*time.Second > maxPairWithin {
		fault("pair_within_s: at most %d", int(maxPairWithin.Seconds()))
	}
	r.validateCredentials(s, newCredential, fault)
	return errors.Join(errs...)
}

func (r *Register) validateCredentials(s *v1.SourceRegistered, newCredential bool, fault func(string, ...any)) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if len(s.CredentialSha256) > 0 {
		fault("credential_sha256: credentials are made here, ask for a new one")
	}
	if s.Name == LocalSource && (newCredential || len(s.CertificateSha256) > 0) {
		fault("name: %q is for this machine and has no credential", LocalSource)
	}
	if n := len(s.CertificateSha256); n != 0 && n != certificateSum {
		fault("certificate_sha256: want %d bytes", certificateSum)
	}
	if sum, ok := hash(s.CertificateSha256); ok {
		if other, taken := r.fold.byCertificate[sum]; taken && other.entry.Name != s.Name {
			fault("certificate_sha256: source %q has it already", other.entry.Name)
		}
	}
	if _, known := r.fold.sources[s.Name]; !known && len(r.fold.sources) >= maxSources {
		fault("name: there are %d sources, which is the limit", maxSources)
	}
}

// checkBaseURL takes what a relative reference can be resolved against: an absolute https URL without user, query and
// fragment. Plain http names a server that anyone on the way can impersonate, so it is refused.
func checkBaseURL(text string) error {
	if text == "" {
		return nil
	}
	if len(text) > maxURL {
		return fmt.Errorf("at most %d bytes", maxURL)
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return errors.New("not a URL")
	case u.Scheme != "https" || u.Host == "":
		return errors.New("want an absolute https URL")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		return errors.New("want a URL without user, query and fragment")
	}
	return nil
}

func checkText(text string) error {
	if utf8.RuneCountInString(text) > maxText {
		return fmt.Errorf("at most %d characters", maxText)
	}
	if !utf8.ValidString(text) {
		return errors.New("not UTF-8")
	}
	for _, c := range text {
		if unicode.IsControl(c) {
			return errors.New("control characters are not allowed")
		}
	}
	return nil
}

// validateToken reports all faults at once.
func (r *Register) validateToken(t *v1.TokenRegistered, now time.Time) error {
	var errs []error
	if err := checkText(t.Name); err != nil || t.Name == "" {
		errs = append(errs, fmt.Errorf("name: say who holds the token, in 1 to %d characters", maxText))
	}
	if roles := proto.Roles(); !slices.Contains(roles, t.Role) {
		last := len(roles) - 1
		errs = append(errs, fmt.Errorf("role: want %s or %s", strings.Join(roles[:last], ", "), roles[last]))
	}
	if t.ExpiresUs <= now.UnixMicro() {
		errs = append(errs, errors.New("expires_us: has passed already"))
	} else if t.ExpiresUs > now.Add(r.cfg.MaxTokenLifetime).UnixMicro() {
		errs = append(errs, fmt.Errorf("expires_us: at most %d days from now", int(r.cfg.MaxTokenLifetime.Hours()/24)))
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	if len(r.fold.tokens) >= maxTokens {
		errs = append(errs, fmt.Errorf("there are %d tokens, which is the limit", maxTokens))
	}
	return errors.Join(errs...)
}
