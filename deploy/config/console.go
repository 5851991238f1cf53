package config

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/readtrail/readtrail/dashboards/console"
	"github.com/readtrail/readtrail/proto"
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
	c.OIDC.check(faults)
	return faults
}

// check adds the faults of the identity provider.
func (o OIDC) check(faults map[string]string) {
	if o.Issuer == "" {
		return
	}
	u, err := url.Parse(o.Issuer)
	switch {
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "", u.User != nil, u.RawQuery != "", u.Fragment != "":
		faults["console.oidc.issuer"] = "want an https URL"
	case u.Scheme == "http" && !IsLoopback(u.Hostname()):
		faults["console.oidc.issuer"] = "want https beyond loopback: who listens could sign in as anybody"
	}
	if o.ClientID == "" {
		faults["console.oidc.client_id"] = "required with an issuer"
	}
	if o.NameClaim == "" {
		faults["console.oidc.name_claim"] = "required with an issuer"
	}
	if o.RoleClaim == "" || len(o.roles()) == 0 {
		faults["console.oidc.role_claim"] = "give a claim, and the values of at least one role: otherwise nobody is let in"
	}
}

// roles are the claim's values by role.
func (o OIDC) roles() map[string][]string {
	roles := map[string][]string{}
	for role, text := range map[string]string{
		proto.RoleRespondent: o.Respondent, proto.RoleViewer: o.Viewer, proto.RoleInvestigator: o.Investigator, proto.RolePrivacyOfficer: o.PrivacyOfficer, proto.RoleAdministrator: o.Administrator,
	} {
		for value := range strings.SplitSeq(text, ",") {
			if value = strings.TrimSpace(value); value != "" {
				roles[role] = append(roles[role], value)
			}
		}
	}
	return roles
}

// providerTimeout bounds each request to the identity provider.
const providerTimeout = 10 * time.Second

// Provider is what the console is told of the identity provider.
func (o OIDC) Provider() (console.Provider, error) {
	if o.Issuer == "" {
		return console.Provider{}, nil
	}
	p := console.Provider{
		Issuer: o.Issuer, ClientID: o.ClientID, Scopes: strings.Fields(o.Scopes), NameClaim: o.NameClaim, ReaderClaim: o.ReaderClaim, ReaderSystem: o.ReaderSystem,
		RoleClaim: o.RoleClaim, Roles: o.roles(), SiteClaim: o.SiteClaim, DepartmentClaim: o.DepartmentClaim, Everywhere: o.Everywhere,
	}
	if o.ClientSecretFile != "" {
		text, err := os.ReadFile(o.ClientSecretFile)
		if err != nil {
			return p, fmt.Errorf("read console.oidc.client_secret_file: %w", err)
		}
		p.ClientSecret = strings.TrimSpace(string(text))
	}
	transport := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // what the standard library says it is
	if o.CAFile != "" {
		pool, err := x509.SystemCertPool()
		if err != nil {
			return p, fmt.Errorf("read the system's authorities: %w", err)
		}
		text, err := os.ReadFile(o.CAFile)
		if err != nil || !pool.AppendCertsFromPEM(text) {
			return p, errors.Join(errors.New("read console.oidc.ca_file: no certificates"), err)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	p.HTTP = &http.Client{Timeout: providerTimeout, Transport: transport}
	return p, nil
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
	return c.Listen.TLS.CertFile != "" || strings.HasPrefix(c.Console.URL, "https:")
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
