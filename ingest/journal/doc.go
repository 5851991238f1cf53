// Package journal keeps the journal: the one JetStream stream that every fact enters once, its committer, its index of
// what was seen, and its followers. It is the only package that knows NATS, client or server.
//
// An entry that Append answered for is on disk. What a crash, a power cut or a full disk leaves unanswered is in the
// journal or it is not; sending it again is always safe, because the index recognises what is there.
package journal
