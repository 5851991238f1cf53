package embedded

import (
	"regexp"
	"strconv"
)

// ClickHouse error codes that this package produces or tells apart (ErrorCodes.cpp).
const (
	codeBadArguments       = 36
	codeSyntaxError        = 62
	codeTooManyQueries     = 202
	codeNotEnoughSpace     = 243
	codeQueryWasCancelled  = 394
	codeNotImplemented     = 48
	codeTooLarge           = 307 // TOO_MANY_BYTES
	codeAuthenticationFail = 516
	codeUnknown            = 1002
)

// exception is an error of the engine. Its text may quote values of the statement, so it goes to the caller and never
// into a log.
type exception struct {
	code int
	text string
}

func (e *exception) Error() string { return e.text }

var exceptionCode = regexp.MustCompile(`^Code:\s*(\d+)\.`)

func parseException(text string) *exception {
	e := &exception{code: codeUnknown, text: text}
	if m := exceptionCode.FindStringSubmatch(text); m != nil {
		if code, err := strconv.Atoi(m[1]); err == nil {
			e.code = code
		}
	}
	return e
}
