// Package importer brings files in: a handler that takes one file a request as a stream and tells how far it is, and a
// client that walks paths, shows progress and goes on where it was interrupted. The server tells each file's form by
// its content.
package importer
