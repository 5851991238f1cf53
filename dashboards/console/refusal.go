package console

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"connectrpc.com/connect"
)

// refusal is an error for people: what is wrong, and what to do. It names nobody.
type refusal struct {
	status int
	Title  string
	Advice string
}

// Error implements error.
func (r refusal) Error() string { return r.Title }

// Status is the code of the response.
func (r refusal) Status() int { return r.status }

var (
	errForbidden = refusal{http.StatusForbidden, "Your role may not see this", "Names of patients and readers are for investigators and privacy officers. An administrator can change your role."}
	// errOnlyAsked is errForbidden to respondents: there is no other role that they lack.
	errOnlyAsked = refusal{http.StatusForbidden, "This page is not for you", "You see the questions that were put to you, and nothing else."}
	errNoView    = refusal{http.StatusNotFound, "This page is not in your session", "Addresses of pages hold for one session. Ask again from the search box."}
)

// forbidden is why a page of another role is refused.
func (v *visit) forbidden() refusal {
	if !signedIn(v.session.caller) {
		return errOnlyAsked
	}
	return errForbidden
}

// explain turns an error into a refusal. What the API says is made for people; anything else is logged and not shown.
func (v *visit) explain(err error) refusal {
	if why, ok := errors.AsType[refusal](err); ok {
		return why
	}
	said, ok := errors.AsType[*connect.Error](err)
	if !ok {
		if !errors.Is(err, context.Canceled) {
			v.c.log.ErrorContext(v.r.Context(), "page failed", slog.String("page", v.r.Pattern), slog.Any("err", err))
		}
		return refusal{http.StatusInternalServerError, "Something went wrong here", "The server's log says what. Try again in a moment."}
	}
	text := sentence(said.Message())
	switch said.Code() {
	case connect.CodeInvalidArgument, connect.CodeFailedPrecondition, connect.CodeOutOfRange:
		return refusal{http.StatusBadRequest, "The question was not understood", text}
	case connect.CodeNotFound:
		return refusal{http.StatusNotFound, "Nothing found", text}
	case connect.CodeAborted, connect.CodeAlreadyExists:
		return refusal{http.StatusConflict, "It is no longer as you saw it", text}
	case connect.CodePermissionDenied:
		return refusal{http.StatusForbidden, errForbidden.Title, text}
	case connect.CodeUnavailable:
		return refusal{http.StatusServiceUnavailable, "No answer at the moment", text}
	case connect.CodeDeadlineExceeded:
		return refusal{http.StatusGatewayTimeout, "The answer took too long", text}
	default:
		return refusal{http.StatusInternalServerError, "The answer could not be given", text}
	}
}
