package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"syscall"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// ErrUnavailable is the family of failures that pass: ClickHouse is away, restarting, out of memory or disk, or took too
// long. The caller retries later. After a write the outcome is unknown: part of it may be there.
var ErrUnavailable = errors.New("clickhouse is unavailable")

// ErrTooOld says that the server is older than MinVersion. Retrying does not help.
var ErrTooOld = errors.New("clickhouse is too old")

// Error is a failed statement. Its text names the operation and the code and nothing else, because ClickHouse's own
// message may quote the values of a statement, identifiers of patients among them. Detail has that message.
type Error struct {
	Op   string // "query", "exec", "insert", ...
	Code int32  // ClickHouse's exception code, 0 when the failure is not an exception
	Name string // its name, such as "UNKNOWN_TABLE", when known

	cause       error // safe to show
	detail      string
	unavailable bool
}

func (e *Error) Error() string {
	if e.Code != 0 {
		return fmt.Sprintf("clickhouse %s: code %d %s", e.Op, e.Code, e.Name)
	}
	return fmt.Sprintf("clickhouse %s: %v", e.Op, e.cause)
}

// Detail is ClickHouse's own message. It may hold identifiers of patients and readers: show it to the person who asked,
// never log it.
func (e *Error) Detail() string { return e.detail }

// Unwrap makes errors.Is work with ErrUnavailable and with the context's errors.
func (e *Error) Unwrap() []error {
	var all []error
	if e.cause != nil {
		all = append(all, e.cause)
	}
	if e.unavailable {
		all = append(all, ErrUnavailable)
	}
	return all
}

// Detail returns the message of ClickHouse inside err, or err's own text; see Error.Detail for where it may go.
func Detail(err error) string {
	if e, ok := errors.AsType[*Error](err); ok && e.detail != "" {
		return e.detail
	}
	return err.Error()
}

// Code returns ClickHouse's exception code inside err, 0 when there is none.
func Code(err error) int32 {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return 0
}

// Exception codes that callers branch on (ClickHouse's ErrorCodes.cpp).
const (
	CodeUnknownTable    = 60
	CodeUnknownDatabase = 81
	CodeQueryCancelled  = 394
)

// passing are the exception codes of the ErrUnavailable family.
var passing = map[int32]bool{
	159: true, // TIMEOUT_EXCEEDED
	160: true, // TOO_SLOW
	173: true, // CANNOT_ALLOCATE_MEMORY
	202: true, // TOO_MANY_SIMULTANEOUS_QUERIES
	209: true, // SOCKET_TIMEOUT
	210: true, // NETWORK_ERROR
	241: true, // MEMORY_LIMIT_EXCEEDED
	242: true, // TABLE_IS_READ_ONLY
	243: true, // NOT_ENOUGH_SPACE
	252: true, // TOO_MANY_PARTS
	279: true, // ALL_CONNECTION_TRIES_FAILED
	285: true, // TOO_FEW_LIVE_REPLICAS
	319: true, // UNKNOWN_STATUS_OF_INSERT
	394: true, // QUERY_WAS_CANCELLED
	425: true, // SYSTEM_ERROR
	439: true, // CANNOT_SCHEDULE_TASK
	473: true, // DEADLOCK_AVOIDED
	745: true, // SERVER_OVERLOADED
	999: true, // KEEPER_EXCEPTION
}

// wrap classifies err. The URL of a failed request, which carries the parameters, is left out.
func wrap(ctx context.Context, op string, err error) error {
	if err == nil {
		return nil
	}
	if _, done := errors.AsType[*Error](err); done {
		return err
	}
	e := &Error{Op: op, detail: err.Error()}
	if exception, ok := errors.AsType[*clickhouse.Exception](err); ok {
		e.Code, e.Name, e.detail = exception.Code, exception.CodeName, exception.Message
		e.unavailable = passing[e.Code]
		e.cause = ctx.Err()
		return e
	}
	var status *clickhouse.HTTPError
	switch {
	case ctx.Err() != nil:
		e.cause, e.unavailable = ctx.Err(), errors.Is(ctx.Err(), context.DeadlineExceeded)
	case errors.As(err, &status):
		e.cause = fmt.Errorf("http status %d", status.StatusCode)
		e.unavailable = status.StatusCode == http.StatusTooManyRequests || status.StatusCode >= 502
	case broken(err):
		e.cause, e.unavailable = connectionCause(err), true
	default:
		e.cause = errors.New("the client refused it")
	}
	return e
}

// broken says that the connection is at fault, not the statement.
func broken(err error) bool {
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		errors.Is(err, syscall.ENOENT) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, clickhouse.ErrAcquireConnTimeout) || errors.Is(err, context.DeadlineExceeded)
}

// connectionCause drops the URL.
func connectionCause(err error) error {
	if address, ok := errors.AsType[*url.Error](err); ok {
		return address.Err
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op
	}
	return errors.New("the connection broke")
}

// clientError is a fault of the caller's own data, found before anything was sent. Its text may hold values.
func clientError(op string, err error) error {
	return &Error{Op: op, cause: errors.New("a value does not fit its column or parameter"), detail: err.Error()}
}
