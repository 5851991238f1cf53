package config

import (
	"net"
	"net/url"
	"time"
)

// maxLinkValid: a link that waits longer is a password on a terminal.
const maxLinkValid = 24 * time.Hour

// faults are by key.
func (c Console) faults() map[string]string {
	faults := map[string]string{}
	if c.URL != "" {
		u, err := url.Parse(c.URL)
		switch {
		case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "", u.User != nil, u.Path != "" && u.Path != "/", u.RawQuery != "", u.Fragment != "":
			faults["console.url"] = "want https://host, with a port if need be, and no path"
		case u.Scheme == "http" && !IsLoopback(u.Hostname()):
			faults["console.url"] = "want https beyond loopback: sessions and names must not travel in the clear"
		}
	}
	if c.LinkValid < 0 || c.LinkValid > maxLinkValid {
		faults["console.link_valid"] = "want 0s to 24h"
	}
	if c.SessionIdle <= 0 {
		faults["console.session_idle"] = "must be larger than 0"
	}
	if c.SessionMax < c.SessionIdle {
		faults["console.session_max"] = "must not be shorter than console.session_idle"
	}
	return faults
}

// ConsoleURL is where browsers reach the console of a server that listens on address.
func (c *Config) ConsoleURL(address string) string {
	if c.Console.URL != "" {
		u, _ := url.Parse(c.Console.URL) // validated with the configuration
		return u.Scheme + "://" + u.Host
	}
	if c.Listen.TLS.CertFile != "" {
		return "https://" + address
	}
	return "http://" + address
}

// ConsoleSecure says that browsers reach the console over TLS.
func (c *Config) ConsoleSecure() bool {
	return c.Listen.TLS.CertFile != "" || len(c.Console.URL) > 5 && c.Console.URL[:5] == "https"
}

// ConsoleHosts are the names under which the console may be asked for; none: any. Beyond loopback and without a name of
// its own, the certificate says which names are right.
func (c *Config) ConsoleHosts() []string {
	host, _, _ := net.SplitHostPort(c.Listen.HTTP) // validated with the configuration
	var hosts []string
	if IsLoopback(host) {
		hosts = []string{"localhost", "127.0.0.1", "::1", host}
	}
	if c.Console.URL != "" {
		u, _ := url.Parse(c.Console.URL)
		hosts = append(hosts, u.Hostname())
	}
	return hosts
}
