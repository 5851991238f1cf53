// Package proto is the contract between Readtrail's parts: the protobuf schemas (readtrail/v1), journal positions,
// event ids, slots, the batch message with its salted Merkle leaves, the sealing of originals, and identifiers that
// redact themselves. It imports nothing of Readtrail's.
package proto
