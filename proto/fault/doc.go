// Package fault marks commit points: places where a crash must lose nothing. In an ordinary build a mark is nothing at
// all. Built with the tag "faults", as the acceptance suite does, the process kills itself (SIGKILL, so that nothing is
// flushed or closed) when it passes the mark that the environment names: READTRAIL_FAULT=journal:synced:3 kills at the
// third passing of "journal:synced".
//
// The same build takes its clock from a file when READTRAIL_FAULT_CLOCK names one, so that a test can let a night pass.
package fault
