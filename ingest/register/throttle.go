package register

import (
	"sync"
	"time"
)

// Failed attempts of one address: ten at once, then one in six seconds. Credentials have 256 bits, so this is not what
// keeps guessers out; it keeps them from filling the log.
const (
	throttleBurst  = 10
	throttleRefill = 6 * time.Second
	// throttleAddresses bounds the memory: 4,096 addresses of about 100 bytes.
	throttleAddresses = 4096
)

// throttle counts failed attempts by address.
type throttle struct {
	mu sync.Mutex // guards failures
	// failures holds, for each address, until when its allowance is spent: each failure moves it throttleRefill on.
	failures map[string]time.Time
}

func newThrottle() *throttle { return &throttle{failures: map[string]time.Time{}} }

// fail notes a failed attempt and reports whether the address had an allowance left for it.
func (t *throttle) fail(address string, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	spent, known := t.failures[address]
	if !known && len(t.failures) >= throttleAddresses {
		t.forget(now)
	}
	if spent.Before(now) {
		spent = now
	}
	spent = spent.Add(throttleRefill)
	if spent.Sub(now) > throttleBurst*throttleRefill {
		return false
	}
	t.failures[address] = spent
	return true
}

// forget drops who has a full allowance again, and everybody when all are busy: then an attack comes from thousands of
// addresses, and counting by address is of no use.
func (t *throttle) forget(now time.Time) {
	for address, spent := range t.failures {
		if !spent.After(now) {
			delete(t.failures, address)
		}
	}
	if len(t.failures) >= throttleAddresses {
		clear(t.failures)
	}
}
