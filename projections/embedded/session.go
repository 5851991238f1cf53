package embedded

import (
	"runtime"
	"sync/atomic"
	"unsafe"
)

// session is one connection inside the engine. It runs one statement at a time and is used by one goroutine at a
// time; the pool sees to that.
type session struct {
	lib    *library
	conn   unsafe.Pointer // what chdb_connect returned, needed to close
	handle uintptr        // what it points to, needed for everything else

	// settings and database are what this connection was last told, so that only differences are sent.
	settings map[string]string
	database string
	// broken says that the session must be replaced: nobody knows what state it is in.
	broken bool
	// calls counts the calls into the engine and the returns from it: it is odd while the engine works on one.
	calls atomic.Uint64
}

// parameter is one {name:Type} value in ClickHouse's escaped text form.
type parameter struct{ name, value string }

// counters say what a statement has read and written so far.
type counters struct {
	readRows, readBytes       uint64 // from tables
	resultRows, resultBytes   uint64
	writtenRows, writtenBytes uint64
	elapsed                   float64 // seconds
}

func (c *counters) add(o counters) {
	c.readRows += o.readRows
	c.readBytes += o.readBytes
	c.resultRows += o.resultRows
	c.resultBytes += o.resultBytes
	c.writtenRows += o.writtenRows
	c.writtenBytes += o.writtenBytes
	c.elapsed += o.elapsed
}

func (s *session) close() { s.lib.closeConn(s.conn) }

type call func(conn uintptr, query unsafe.Pointer, n uintptr, format unsafe.Pointer, fn uintptr, names, nameLens, values, valueLens unsafe.Pointer, count uintptr) uintptr

// invoke passes Go strings to C without copying them: they are pinned for the length of the call.
func (s *session) invoke(fn call, query, format string, params []parameter) uintptr {
	var pin runtime.Pinner
	defer pin.Unpin()
	text := func(v string) unsafe.Pointer {
		if v == "" {
			v = "\x00" // the length says it is empty, the pointer must still be one
		}
		p := unsafe.StringData(v) //nolint:gosec // read only, not empty
		pin.Pin(p)
		return unsafe.Pointer(p) //nolint:gosec // pinned until the call is over
	}
	n := len(params)
	names, values := make([]unsafe.Pointer, n+1), make([]unsafe.Pointer, n+1)
	nameLens, valueLens := make([]uintptr, n+1), make([]uintptr, n+1)
	for i, p := range params {
		names[i], nameLens[i] = text(p.name), uintptr(len(p.name))
		values[i], valueLens[i] = text(p.value), uintptr(len(p.value))
	}
	pin.Pin(&names[0])
	pin.Pin(&values[0])
	pin.Pin(&nameLens[0])
	pin.Pin(&valueLens[0])
	s.calls.Add(1)
	defer s.calls.Add(1)
	return fn(s.handle, text(query), uintptr(len(query)), text(format), uintptr(len(format)),
		unsafe.Pointer(&names[0]), unsafe.Pointer(&nameLens[0]), unsafe.Pointer(&values[0]), unsafe.Pointer(&valueLens[0]), uintptr(n)) //nolint:gosec // pinned, of n+1 elements each
}

// run executes a statement to its end and hands the whole result to sink, which must not keep it.
func (s *session) run(query, format string, params []parameter, sink func([]byte) error) (counters, error) {
	result := s.invoke(s.lib.query, query, format, params)
	defer s.destroy(result)
	if err := s.resultError(result); err != nil {
		s.scrub()
		return counters{}, err
	}
	if sink != nil {
		if err := sink(s.bytes(result)); err != nil {
			return s.counters(result), err
		}
	}
	return s.counters(result), nil
}

// stream executes a SELECT and hands its result to sink in pieces, so that memory stays constant. An error of sink
// cancels the statement.
func (s *session) stream(query, format string, params []parameter, sink func([]byte) error) (counters, error) {
	var total counters
	failed := true
	defer func() {
		if failed {
			s.scrub() // after the stream has been destroyed
		}
	}()
	stream := s.invoke(s.lib.streamQuery, query, format, params)
	defer s.destroy(stream)
	if err := s.resultError(stream); err != nil {
		return total, err
	}
	for {
		chunk := s.fetch(stream)
		if err := s.resultError(chunk); err != nil {
			s.destroy(chunk)
			return total, err
		}
		total.add(s.counters(chunk))
		data := s.bytes(chunk)
		if len(data) == 0 {
			s.destroy(chunk)
			failed = false
			return total, nil
		}
		err := sink(data)
		s.destroy(chunk)
		if err != nil {
			s.cancel(stream)
			return total, err
		}
	}
}

// fetch returns the next piece of a stream.
func (s *session) fetch(stream uintptr) uintptr {
	s.calls.Add(1)
	defer s.calls.Add(1)
	return s.lib.streamFetch(s.handle, stream)
}

// cancel ends a stream; what it still works on is waited for.
func (s *session) cancel(stream uintptr) {
	s.calls.Add(1)
	defer s.calls.Add(1)
	s.lib.streamCancel(s.handle, stream)
}

// scrub removes what a failed statement has left behind. The library keeps the part of an answer that had been written
// when a statement failed, and puts it in front of the next statement's answer: one reader would get rows of another.
// A session that still says anything but the expected is not used again.
func (s *session) scrub() {
	for range 2 {
		var got []byte
		result := s.invoke(s.lib.query, "SELECT 'clean' FORMAT TabSeparated", "TabSeparated", nil)
		if s.resultError(result) == nil {
			got = append(got, s.bytes(result)...)
		}
		s.destroy(result)
		if string(got) == "clean\n" {
			return
		}
	}
	s.broken = true
}

// destroy frees a result; that of a stream waits for what it still works on.
func (s *session) destroy(result uintptr) {
	if result == 0 {
		return
	}
	s.calls.Add(1)
	defer s.calls.Add(1)
	s.lib.destroyResult(result)
}

func (s *session) bytes(result uintptr) []byte {
	n := s.lib.resultLength(result)
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(s.lib.resultBuffer(result)), n) //nolint:gosec // the library's own length; valid until destroy
}

func (s *session) counters(result uintptr) counters {
	return counters{
		readRows: s.lib.storageRows(result), readBytes: s.lib.storageBytes(result),
		resultRows: s.lib.rowsRead(result), resultBytes: s.lib.bytesRead(result),
		writtenRows: s.lib.rowsWritten(result), writtenBytes: s.lib.bytesWritten(result),
		elapsed: s.lib.resultElapsed(result),
	}
}

func (s *session) resultError(result uintptr) error {
	if result == 0 {
		return &exception{code: codeUnknown, text: "the engine returned no result"}
	}
	if text := s.lib.resultError(result); text != "" {
		return parseException(text)
	}
	return nil
}
