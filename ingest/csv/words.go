package csv

import (
	"fmt"
	"sort"
	"strconv"
	"strings"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Words are what a mapping's values map to. They are tables that nobody changes.
var (
	actionWords = map[string]v1.Action{
		"read": v1.Action_ACTION_READ, "search": v1.Action_ACTION_SEARCH, "print": v1.Action_ACTION_PRINT,
		"export": v1.Action_ACTION_EXPORT, "create": v1.Action_ACTION_CREATE, "update": v1.Action_ACTION_UPDATE,
		"delete": v1.Action_ACTION_DELETE, "execute": v1.Action_ACTION_EXECUTE, "disclose": v1.Action_ACTION_DISCLOSE,
		"login": v1.Action_ACTION_LOGIN, "logout": v1.Action_ACTION_LOGOUT, "other": v1.Action_ACTION_OTHER,
	}
	// actionCodes are read without a value map: the words above, and AuditEvent.action (FHIR R4).
	actionCodes = map[string]v1.Action{
		"r": v1.Action_ACTION_READ, "c": v1.Action_ACTION_CREATE, "u": v1.Action_ACTION_UPDATE,
		"d": v1.Action_ACTION_DELETE, "e": v1.Action_ACTION_EXECUTE, "view": v1.Action_ACTION_READ,
	}
	outcomeWords = map[string]v1.Outcome{
		"success": v1.Outcome_OUTCOME_SUCCESS, "minor_failure": v1.Outcome_OUTCOME_MINOR_FAILURE,
		"serious_failure": v1.Outcome_OUTCOME_SERIOUS_FAILURE, "major_failure": v1.Outcome_OUTCOME_MAJOR_FAILURE,
		"": v1.Outcome_OUTCOME_UNSPECIFIED,
	}
	// outcomeCodes are read without a value map: DICOM PS3.15 EventOutcomeIndicator.
	outcomeCodes = map[string]v1.Outcome{
		"0": v1.Outcome_OUTCOME_SUCCESS, "4": v1.Outcome_OUTCOME_MINOR_FAILURE,
		"8": v1.Outcome_OUTCOME_SERIOUS_FAILURE, "12": v1.Outcome_OUTCOME_MAJOR_FAILURE,
	}
	modeWords = map[string]v1.AccessMode{
		"deliberate": v1.AccessMode_ACCESS_MODE_DELIBERATE, "incidental": v1.AccessMode_ACCESS_MODE_INCIDENTAL,
		"search": v1.AccessMode_ACCESS_MODE_SEARCH, "system": v1.AccessMode_ACCESS_MODE_SYSTEM,
		"": v1.AccessMode_ACCESS_MODE_UNSPECIFIED,
	}
	readerWords = map[string]v1.ReaderType{
		"practitioner": v1.ReaderType_READER_TYPE_PRACTITIONER, "staff": v1.ReaderType_READER_TYPE_STAFF,
		"patient": v1.ReaderType_READER_TYPE_PATIENT, "related_person": v1.ReaderType_READER_TYPE_RELATED_PERSON,
		"application": v1.ReaderType_READER_TYPE_APPLICATION, "organization": v1.ReaderType_READER_TYPE_ORGANIZATION,
		"person": v1.ReaderType_READER_TYPE_PERSON, "": v1.ReaderType_READER_TYPE_UNSPECIFIED,
	}
)

// checkWords checks that a value map of a coded field maps to words that the field knows.
func (v Value) checkWords(field string) error {
	var known func(word string) bool
	switch field {
	case "action":
		known = func(w string) bool { _, ok := actionWords[w]; return ok }
	case "outcome":
		known = func(w string) bool { _, ok := outcomeWords[w]; return ok }
	case "mode":
		known = func(w string) bool { _, ok := modeWords[w]; return ok }
	case "reader.type":
		known = func(w string) bool { _, ok := readerWords[w]; return ok }
	case "break_glass":
		known = func(w string) bool { _, err := parseBool(w); return err == nil }
	default:
		return nil
	}
	for _, word := range v.Values {
		if !known(word) {
			return fmt.Errorf("values: %q is no word that this field knows", word)
		}
	}
	return nil
}

func parseBool(text string) (bool, error) {
	switch strings.ToLower(text) {
	case "true", "t", "yes", "y", "1":
		return true, nil
	case "false", "f", "no", "n", "0", "":
		return false, nil
	}
	return false, strconv.ErrSyntax
}

// words maps values: exact ones first, then by the longest prefix, then the rest.
type words struct {
	exact    map[string]string
	prefixes []string // longest first, without the star
	mapped   map[string]string
}

func newWords(values map[string]string) *words {
	if len(values) == 0 {
		return nil
	}
	w := &words{exact: map[string]string{}, mapped: map[string]string{}}
	for from, to := range values {
		if prefix, ok := strings.CutSuffix(from, "*"); ok {
			w.prefixes = append(w.prefixes, prefix)
			w.mapped[prefix] = to
		} else {
			w.exact[from] = to
		}
	}
	sort.Slice(w.prefixes, func(i, k int) bool {
		if len(w.prefixes[i]) != len(w.prefixes[k]) {
			return len(w.prefixes[i]) > len(w.prefixes[k])
		}
		return w.prefixes[i] < w.prefixes[k]
	})
	return w
}

func (w *words) of(text string) (string, bool) {
	if to, ok := w.exact[text]; ok {
		return to, true
	}
	for _, prefix := range w.prefixes {
		if strings.HasPrefix(text, prefix) {
			return w.mapped[prefix], true
		}
	}
	return "", false
}
