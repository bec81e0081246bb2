// Package proxies tests [iputil.Resolver] behind real nginx, HAProxy and Caddy,
// and shows the lines that make each of them name the visitor.
//
// The tests read the blocks of lines below out of this comment and start the
// proxies with them, so what stands here is what ran: with nginx 1.22, HAProxy
// 2.6 and Caddy 2.6, as Debian 12 has them. They need these three programs, and
// skip without them, or fail where CANDOR_REQUIRE=1 is set.
//
// In all of them the service listens on 10.0.0.80:8080, and 10.0.0.10 is the
// address that another proxy in front connects from. Take the recipe of the one
// header that the resolver reads:
//
//	visitors, err := iputil.NewResolver(iputil.Proxies{
//		Header:       "X-Forwarded-For",   // or "Forwarded", or "X-Real-IP"
//		SchemeHeader: "X-Forwarded-Proto", // if a proxy ends TLS
//		Trusted:      []netip.Prefix{netip.MustParsePrefix("10.0.0.10/32")},
//	})
//
// Trusted lists the addresses that each proxy of the chain connects from, and
// no others. On a unix socket the last proxy has no address: set UnixSocket.
//
// # Outermost or behind
//
// The outermost proxy takes visitors' connections. It must put its own word in
// place of theirs, or behind it. A proxy behind another must keep what that one
// wrote, and only what that one wrote: whoever else reaches it is a visitor to
// it. So every recipe for "behind" names 10.0.0.10. With X-Forwarded-For nothing
// depends on this, because each proxy appends and the resolver checks; with the
// other headers everything does. If you can choose, choose X-Forwarded-For.
//
// # nginx
//
// All lines stand in the http block. A server or location with a
// proxy_set_header of its own inherits none of them: repeat them there.
//
// Always, for HTTP/1.1 to the service with upgrades, and for the Host that its
// checks of the origin need:
//
//	map $http_upgrade $connection_upgrade {
//		''      '';
//		default upgrade;
//	}
//	proxy_http_version 1.1;
//	proxy_set_header Connection $connection_upgrade;
//	proxy_set_header Upgrade $http_upgrade;
//	proxy_set_header Host $http_host;
//
// X-Forwarded-For, anywhere:
//
//	proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
//
// Forwarded, outermost:
//
//	map $remote_addr $forwarded_for {
//		~:      'for="[$remote_addr]"';
//		default 'for=$remote_addr';
//	}
//	proxy_set_header Forwarded $forwarded_for;
//
// X-Real-IP, outermost:
//
//	proxy_set_header X-Real-IP $remote_addr;
//
// X-Forwarded-Proto, outermost:
//
//	proxy_set_header X-Forwarded-Proto $scheme;
//
// Behind another proxy, the recipes that follow need to know which:
//
//	geo $front {
//		default   0;
//		10.0.0.10 1;
//	}
//
// Forwarded, behind:
//
//	map $remote_addr $forwarded_for {
//		~:      'for="[$remote_addr]"';
//		default 'for=$remote_addr';
//	}
//	map $front $forwarded {
//		1       '$http_forwarded, $forwarded_for';
//		default $forwarded_for;
//	}
//	proxy_set_header Forwarded $forwarded;
//
// X-Real-IP, behind:
//
//	map $front $real_ip {
//		1       $http_x_real_ip;
//		default $remote_addr;
//	}
//	proxy_set_header X-Real-IP $real_ip;
//
// X-Forwarded-Proto, behind:
//
//	map $front $forwarded_proto {
//		1       $http_x_forwarded_proto;
//		default $scheme;
//	}
//	proxy_set_header X-Forwarded-Proto $forwarded_proto;
//
// # HAProxy
//
// All lines stand in the frontend, with mode http.
//
// Always, because HAProxy hands on what a visitor writes into Connection, and
// the next proxy drops every field named there (RFC 9110 §7.6.1), the address
// with it:
//
//	http-request del-header Connection
//	http-request set-header Connection upgrade if { req.hdr(Upgrade) -m found }
//
// X-Forwarded-For, anywhere:
//
//	option forwardfor
//
// Forwarded, outermost:
//
//	http-request set-header Forwarded for=%[src]
//	http-request set-header Forwarded for=\"[%[src]]\" if { src -m sub : }
//
// X-Real-IP, outermost:
//
//	http-request set-header X-Real-IP %[src]
//
// X-Forwarded-Proto, outermost:
//
//	http-request set-header X-Forwarded-Proto http
//	http-request set-header X-Forwarded-Proto https if { ssl_fc }
//
// Behind another proxy, the recipes that follow need to know which:
//
//	acl front src 10.0.0.10
//
// Forwarded, behind:
//
//	http-request del-header Forwarded if !front
//	http-request add-header Forwarded for=%[src] if !{ src -m sub : }
//	http-request add-header Forwarded for=\"[%[src]]\" if { src -m sub : }
//
// X-Real-IP, behind:
//
//	http-request set-header X-Real-IP %[src] if !front
//
// X-Forwarded-Proto, behind:
//
//	http-request set-header X-Forwarded-Proto http if !front
//	http-request set-header X-Forwarded-Proto https if !front { ssl_fc }
//
// # Caddy
//
// All lines stand in the site's block. X-Forwarded-Proto comes without asking,
// and trusted_proxies keeps what the proxy in front said of it. The port in
// Forwarded saves telling IPv4 from IPv6, whose brackets Caddy writes only with
// one; the resolver drops it.
//
// X-Forwarded-For, outermost:
//
//	reverse_proxy 10.0.0.80:8080
//
// Forwarded, outermost:
//
//	reverse_proxy 10.0.0.80:8080 {
//		header_up Forwarded `for="{remote}"`
//	}
//
// X-Real-IP, outermost:
//
//	reverse_proxy 10.0.0.80:8080 {
//		header_up X-Real-IP {remote_host}
//	}
//
// X-Forwarded-For, behind:
//
//	reverse_proxy 10.0.0.80:8080 {
//		trusted_proxies 10.0.0.10
//	}
//
// Forwarded, behind:
//
//	@stranger not remote_ip 10.0.0.10
//	request_header @stranger -Forwarded
//	reverse_proxy 10.0.0.80:8080 {
//		trusted_proxies 10.0.0.10
//		header_up +Forwarded `for="{remote}"`
//	}
//
// X-Real-IP, behind:
//
//	@front remote_ip 10.0.0.10
//	reverse_proxy @front 10.0.0.80:8080 {
//		trusted_proxies 10.0.0.10
//	}
//	reverse_proxy 10.0.0.80:8080 {
//		header_up X-Real-IP {remote_host}
//	}
//
// # AWS Application Load Balancer
//
// The attribute routing.http.xff_header_processing.mode must be append, its
// default: with preserve the visitor's word stands, with remove nothing. List
// the subnets of the load balancer in Trusted, let nothing else of yours live in
// them, and let the service's security group admit the load balancer alone. The
// header, and X-Forwarded-Proto beside it, is as follows.
//
// With its attributes at their defaults:
//
//	X-Forwarded-For: supplied-value, client-ip
//
// With client port preservation:
//
//	X-Forwarded-For: supplied-value, client-ip:client-port
//
// # Google Cloud Application Load Balancer
//
// It writes two addresses, the second of which is its own, that of the forwarding
// rule. List this one in Trusted beside those that it connects from, which are
// Google's front ends or the proxy-only subnet; without it every visitor has the
// load balancer's address. Let the firewall admit nobody else to the service.
//
// Always:
//
//	X-Forwarded-For: supplied-value,client-ip,load-balancer-ip
//
// Both are simulated in the tests, after their documentation of 2026; the two
// examples show the resolver for them.
//
// # What goes wrong
//
// The tests also hold to what these proxies do without the recipes, so that this
// page tells when it changes:
//
//   - nginx and HAProxy hand on every header, Caddy all but X-Forwarded-*. A
//     header that no proxy of yours writes is the visitor's, and is believed.
//   - nginx before 1.23 knows the first line alone of a repeated header, but for
//     X-Forwarded-For. If the proxy in front of it adds its Forwarded as a second
//     line, what is left is the visitor's, and is believed. Hence the outermost
//     proxy replaces Forwarded here.
//   - An nginx that appends to Forwarded on the same line, without a look at what
//     stands there, lets a visitor open a quote that swallows the address. Then
//     nothing is believed, and the visitor has nginx's address.
//   - HAProxy hands on Connection, as told under HAProxy. A visitor can so have
//     HAProxy's address, but no other.
package proxies
