package sink

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/candorhttp/candor/consent/analytics"
)

// Common is what the sinks over HTTP are configured with alike. The zero Common
// is not usable: Server is required.
type Common struct {
	// Server is the address of the service, without the path of its interface:
	// "https://stats.example". https, or http on loopback.
	Server string
	// Recipient is the name of the policy's recipient who runs the server; ""
	// means the controller itself does, which no known hosted service is.
	Recipient string
	// Name identifies the sink, see analytics.Destination; "" means the name of
	// its package.
	Name string
}

// hosted are the domains of services that are somebody else for every site.
var hosted = []string{"plausible.io", "goatcounter.com", "matomo.cloud", "innocraft.cloud"}

// Connect returns a client for an interface of the server, and the destination
// that it is. The error names every fault, with the prefix of the package.
func (c Common) Connect(pkg, path string, maxEvents int) (*Client, analytics.Destination, error) {
	d := analytics.Destination{Name: c.Name, Recipient: c.Recipient, MaxEvents: maxEvents}
	if d.Name == "" {
		d.Name = pkg
	}
	u, err := ParseEndpoint(c.Server)
	if err != nil {
		return nil, d, fmt.Errorf("%s: config: Server: %w", pkg, err)
	}
	if c.Recipient == "" && isHosted(u) {
		return nil, d, fmt.Errorf("%s: config: Recipient: is missing, and the server is a service of somebody else; name the policy's recipient", pkg)
	}
	client, err := NewClient(u.JoinPath(path).String())
	if err != nil {
		return nil, d, fmt.Errorf("%s: config: Server: %w", pkg, err)
	}
	d.Endpoint = client.Endpoint()
	return client, d, nil
}

func isHosted(u *url.URL) bool {
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	for _, domain := range hosted {
		if host == domain || strings.HasSuffix(host, "."+domain) {
			return true
		}
	}
	return false
}

// ParseSite reads the address of the site whose pages events are about:
// "https://shop.example", as ParseEndpoint does, without a path.
func ParseSite(text string) (*url.URL, error) {
	u, err := ParseEndpoint(text)
	if err == nil && u.Path != "" && u.Path != "/" {
		err = errors.New(`has a path; write for example "https://shop.example"`)
	}
	return u, err
}
