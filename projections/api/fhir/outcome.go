package fhir

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/projections/api"
)

// operationOutcome says what did not go as asked (R4 section 2.34; R5 is alike).
type operationOutcome struct {
	ResourceType string  `json:"resourceType"`
	ID           string  `json:"id,omitempty"`
	Issue        []issue `json:"issue"`
}

type issue struct {
	Severity    string   `json:"severity"`
	Code        string   `json:"code"`
	Details     *concept `json:"details,omitempty"`
	Diagnostics string   `json:"diagnostics,omitempty"`
	Expression  []string `json:"expression,omitempty"`
}

// Severities (http://hl7.org/fhir/issue-severity).
const (
	severityError       = "error"
	severityWarning     = "warning"
	severityInformation = "information"
)

// refusal is an answer that is none.
type refusal struct {
	status int
	issue  issue
}

func refused(status int, code, text string) *refusal {
	return &refusal{status, issue{Severity: severityError, Code: code, Details: &concept{Text: text}, Diagnostics: text}}
}

// about names the parameter at fault, as R4 says it: "http." and the name.
func (r *refusal) about(parameter string) *refusal {
	r.issue.Expression = []string{"http." + parameter}
	return r
}

// refusalOf tells an error as FHIR does. Errors of the query service say what may be said.
func refusalOf(err error) *refusal {
	if fault, ok := errors.AsType[*Fault](err); ok {
		return refused(http.StatusBadRequest, fault.Code, fault.Error()).about(fault.Parameter)
	}
	var typed *connect.Error
	if !errors.As(err, &typed) {
		return refused(http.StatusInternalServerError, "exception", "the answer could not be made")
	}
	text := typed.Message()
	switch typed.Code() {
	case connect.CodeUnauthenticated:
		return refused(http.StatusUnauthorized, "login", text)
	case connect.CodePermissionDenied:
		return refused(http.StatusForbidden, "forbidden", text)
	case connect.CodeNotFound:
		return refused(http.StatusNotFound, "not-found", text)
	case connect.CodeInvalidArgument:
		r := refused(http.StatusBadRequest, "value", text)
		if errors.Is(err, api.ErrAmbiguous) {
			r.issue.Code = "multiple-matches"
		}
		if field, _, ok := strings.Cut(text, ":"); ok && field != "" && !strings.Contains(field, " ") {
			if field == "purpose" {
				field = PurposeHeader
			}
			r.about(field)
		}
		return r
	case connect.CodeFailedPrecondition:
		return refused(http.StatusGone, "expired", text)
	case connect.CodeDeadlineExceeded:
		return refused(http.StatusGatewayTimeout, "timeout", text)
	case connect.CodeUnavailable, connect.CodeCanceled:
		return refused(http.StatusServiceUnavailable, "transient", text)
	}
	return refused(http.StatusInternalServerError, "exception", text)
}

// refuse answers with one issue.
func (h *handler) refuse(ctx context.Context, w http.ResponseWriter, r *refusal) {
	switch r.status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Bearer realm="readtrail"`)
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "1")
	}
	h.write(ctx, w, r.status, accepted{}, operationOutcome{ResourceType: "OperationOutcome", Issue: []issue{r.issue}})
}
