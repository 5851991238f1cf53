//go:build !linux

package doctor

// forgetful file systems are not known by number here.
var forgetful = map[int64]string{}
