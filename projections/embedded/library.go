package embedded

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"unsafe"

	"github.com/ebitengine/purego"
)

// library is libchdb bound by hand: ClickHouse as a shared library with a C interface. It is loaded at most once in
// a process and never unloaded, because the engine's threads outlive any handle to it.
//
// All functions block the calling operating system thread for as long as the engine works.
type library struct {
	connect        func(argc int32, argv unsafe.Pointer) unsafe.Pointer
	closeConn      func(conn unsafe.Pointer)
	query          func(conn uintptr, query unsafe.Pointer, n uintptr, format unsafe.Pointer, fn uintptr, names, nameLens, values, valueLens unsafe.Pointer, count uintptr) uintptr
	streamQuery    func(conn uintptr, query unsafe.Pointer, n uintptr, format unsafe.Pointer, fn uintptr, names, nameLens, values, valueLens unsafe.Pointer, count uintptr) uintptr
	streamFetch    func(conn, stream uintptr) uintptr
	streamCancel   func(conn, stream uintptr)
	destroyResult  func(result uintptr)
	resultBuffer   func(result uintptr) unsafe.Pointer
	resultLength   func(result uintptr) uintptr
	resultElapsed  func(result uintptr) float64
	rowsRead       func(result uintptr) uint64
	bytesRead      func(result uintptr) uint64
	storageRows    func(result uintptr) uint64
	storageBytes   func(result uintptr) uint64
	rowsWritten    func(result uintptr) uint64
	bytesWritten   func(result uintptr) uint64
	resultError    func(result uintptr) string
	signalHandlers func(enabled int32)
	sigaction      func(sig int32, act, old unsafe.Pointer) int32

	// starting is held while connections are opened: opening resets signal handlers of the whole process.
	starting sync.Mutex
}

// sigactionBytes is larger than struct sigaction on every platform (glibc: 152, macOS: 16).
const sigactionBytes = 256

// lastSignal is the highest classic signal number on Linux and macOS.
const lastSignal = 31

// signalState is the disposition of every signal, index = signal number.
type signalState [lastSignal + 1][sigactionBytes]byte

// loadLibrary binds the shared library at path and tells it to leave signals alone.
func loadLibrary(path string) (*library, error) {
	handle, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", path, err)
	}
	lib := &library{}
	for name, fn := range map[string]any{
		"chdb_connect":                     &lib.connect,
		"chdb_close_conn":                  &lib.closeConn,
		"chdb_query_with_params_n":         &lib.query,
		"chdb_stream_query_with_params_n":  &lib.streamQuery,
		"chdb_stream_fetch_result":         &lib.streamFetch,
		"chdb_stream_cancel_query":         &lib.streamCancel,
		"chdb_destroy_query_result":        &lib.destroyResult,
		"chdb_result_buffer":               &lib.resultBuffer,
		"chdb_result_length":               &lib.resultLength,
		"chdb_result_elapsed":              &lib.resultElapsed,
		"chdb_result_rows_read":            &lib.rowsRead,
		"chdb_result_bytes_read":           &lib.bytesRead,
		"chdb_result_storage_rows_read":    &lib.storageRows,
		"chdb_result_storage_bytes_read":   &lib.storageBytes,
		"chdb_result_rows_written":         &lib.rowsWritten,
		"chdb_result_bytes_written":        &lib.bytesWritten,
		"chdb_result_error":                &lib.resultError,
		"chdb_set_signal_handlers_enabled": &lib.signalHandlers,
	} {
		symbol, err := purego.Dlsym(handle, name)
		if err != nil {
			return nil, fmt.Errorf("load %s: it is not the engine this program was built for: %w", path, err)
		}
		purego.RegisterFunc(fn, symbol)
	}
	libc, err := purego.Dlopen(libcName(), purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		return nil, fmt.Errorf("load the C library: %w", err)
	}
	purego.RegisterLibFunc(&lib.sigaction, libc, "sigaction")

	lib.starting.Lock()
	defer lib.starting.Unlock()
	saved := lib.saveSignals()
	lib.signalHandlers(0)
	lib.restoreSignals(saved)
	return lib, nil
}

func libcName() string {
	if runtime.GOOS == "darwin" {
		return "/usr/lib/libSystem.B.dylib"
	}
	return "libc.so.6"
}

// saveSignals notes who handles each signal. The library sets several of them back to the default when it is told
// not to install its own, and again on each connect, which would take the Go runtime's handlers away.
func (l *library) saveSignals() *signalState {
	saved := new(signalState)
	for sig := 1; sig <= lastSignal; sig++ {
		l.sigaction(int32(sig), nil, unsafe.Pointer(&saved[sig])) //nolint:gosec // struct sigaction, at most that large
	}
	return saved
}

func (l *library) restoreSignals(saved *signalState) {
	for sig := 1; sig <= lastSignal; sig++ {
		l.sigaction(int32(sig), unsafe.Pointer(&saved[sig]), nil) //nolint:gosec // what saveSignals got
	}
}

// open makes a connection. The first one in a process starts the engine on args' --path.
func (l *library) open(args []string) (*session, error) {
	l.starting.Lock()
	defer l.starting.Unlock()

	var pin runtime.Pinner
	defer pin.Unpin()
	argv := make([]unsafe.Pointer, len(args)+1)
	for i, arg := range args {
		text := append([]byte(arg), 0)
		pin.Pin(&text[0])
		argv[i] = unsafe.Pointer(&text[0]) //nolint:gosec // pinned, ends in zero
	}
	pin.Pin(&argv[0])

	saved := l.saveSignals()
	conn := l.connect(int32(len(args)), unsafe.Pointer(&argv[0])) //nolint:gosec // pinned, ends in nil
	l.restoreSignals(saved)
	if conn == nil {
		return nil, errors.New("start the engine: it refused, see its error output")
	}
	handle := *(*uintptr)(conn)
	if handle == 0 {
		return nil, errors.New("start the engine: it returned no connection")
	}
	return &session{lib: l, conn: conn, handle: handle}, nil
}
