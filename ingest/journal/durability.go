package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Durability states.
const (
	// Verified: the settings under which entries are acknowledged were made or read by this process.
	Verified = "verified"
	// Attested: the configuration says that the servers keep what they acknowledge.
	Attested = "attested"
)

// Durability says whether an acknowledged entry survives a power cut, and how that is known.
type Durability struct {
	State, Reason string
}

// ErrNotDurable refuses to open a journal that may lose what it acknowledged.
var ErrNotDurable = errors.New("durability is neither verified nor attested")

// How long servers are waited for that may answer the system account, for the first and then for each other one: they
// answer at once or not at all.
const (
	varzWait = 2 * time.Second
	varzMore = 500 * time.Millisecond
)

// durabilityOf finds out what an acknowledgement is worth.
func durabilityOf(ctx context.Context, cfg Config, l *link) (Durability, error) {
	if cfg.External == nil {
		return Durability{Verified, "embedded server syncs before every acknowledgement"}, nil
	}
	reason := "no system account is configured"
	if cfg.External.SystemCredentials != "" || cfg.External.SystemURL != "" {
		verified, err := readDurability(ctx, cfg, l)
		if err == nil {
			return verified, nil
		}
		reason = err.Error()
	}
	if cfg.External.AttestDurable {
		return Durability{Attested, "configuration attests it; " + reason}, nil
	}
	return Durability{}, fmt.Errorf("external server: %s: %w: set sync_interval to always and give system_credentials, or attest_durable", reason, ErrNotDurable)
}

// serverSettings is what a server says of itself to its system account (VARZ).
type serverSettings struct {
	Server struct {
		Name string `json:"name"`
	} `json:"server"`
	Data struct {
		JetStream struct {
			Config *struct {
				SyncAlways bool `json:"sync_always"`
			} `json:"config"`
		} `json:"jetstream"`
	} `json:"data"`
}

// readDurability asks every server through the system account. Sync always on each of them, or a quorum of 3 servers,
// keeps what was acknowledged.
func readDurability(ctx context.Context, cfg Config, l *link) (Durability, error) {
	url := orDefault(cfg.External.SystemURL, cfg.External.URL)
	nc, err := nats.Connect(url, append(cfg.External.options(cfg.External.SystemCredentials), nats.Timeout(apiTimeout))...)
	if err != nil {
		return Durability{}, fmt.Errorf("connect to the system account: %w", err)
	}
	defer nc.Close()
	inbox := nc.NewRespInbox()
	sub, err := nc.SubscribeSync(inbox)
	if err != nil {
		return Durability{}, fmt.Errorf("ask the system account: %w", err)
	}
	if err := nc.PublishRequest("$SYS.REQ.SERVER.PING.VARZ", inbox, nil); err != nil {
		return Durability{}, fmt.Errorf("ask the system account: %w", err)
	}
	stores, lazy := 0, ""
	for wait := varzWait; ctx.Err() == nil; wait = varzMore {
		msg, err := sub.NextMsg(wait)
		if err != nil {
			break
		}
		var s serverSettings
		if err := json.Unmarshal(msg.Data, &s); err != nil {
			continue // the "no responders" status has no body
		}
		if s.Data.JetStream.Config == nil {
			continue
		}
		stores++
		if !s.Data.JetStream.Config.SyncAlways {
			lazy = s.Server.Name
		}
	}
	replicas := replicasOf(l.stream)
	switch {
	case stores == 0:
		return Durability{}, errors.New("no server answered the system account")
	case lazy == "":
		return Durability{Verified, fmt.Sprintf("all %d servers with JetStream sync before every acknowledgement", stores)}, nil
	case replicas >= 3 && stores >= 3:
		return Durability{Verified, fmt.Sprintf("%d replicas on %d servers: a quorum holds what is acknowledged", replicas, stores)}, nil
	}
	return Durability{}, fmt.Errorf("server %q does not sync before it acknowledges (sync_interval is not always)", lazy)
}

func replicasOf(stream jetstream.Stream) int { return stream.CachedInfo().Config.Replicas }
