// Package embedded runs ClickHouse without a server: the engine as a shared library (libchdb) in a child process that
// speaks the ClickHouse HTTP interface on a unix socket.
//
// The engine lives in a process of its own because it is 500 MB of C++ with its own allocator, threads and crashes:
// when it dies, the supervisor starts it again and everything else keeps running. Everything above this package sees a
// DSN and cannot tell the engine from a server.
//
// Start is the parent's side, Serve and ServeStdin the child's.
package embedded
