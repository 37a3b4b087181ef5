//go:build linux

package rehearsal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"risingstars/internal/testserver"
)

// host is a host on the network, with a network namespace of its own.
type host struct{ name, address string }

func (h host) namespace() string { return "/run/netns/" + h.name }

// network is all hosts by name, on one bridge that connects all addresses.
type network map[string]host

// newNetwork makes the namespaces, and installs the rules of the template's security groups on the hosts.
func newNetwork(tb testing.TB, folder string) network {
	tb.Helper()
	n := network{}
	for name, address := range readPorts(tb, folder).Addresses {
		n[name] = host{name, address}
	}
	n["database"] = host{"database", "10.42.2.10"} // in the first data subnet
	n["admin"] = host{"admin", "198.51.100.7"}
	n["world"] = host{"world", "203.0.113.9"}
	command(tb, "mkdir", "-p", "/run/netns")
	command(tb, "mount", "-t", "tmpfs", "tmpfs", "/run/netns")
	command(tb, "ip", "link", "add", "bridge0", "type", "bridge")
	command(tb, "ip", "link", "set", "bridge0", "up")
	for _, h := range n {
		h.plug(tb)
	}
	for name, rules := range readGroups(tb, folder, n) {
		file := filepath.Join(tb.TempDir(), name)
		check(tb, os.WriteFile(file, []byte(rules), 0o600))
		command(tb, "ip", "netns", "exec", name, "nft", "-f", file)
	}
	return n
}

func (h host) plug(tb testing.TB) {
	tb.Helper()
	command(tb, "ip", "netns", "add", h.name)
	command(tb, "ip", "link", "add", "v-"+h.name, "type", "veth", "peer", "name", "eth0", "netns", h.name)
	command(tb, "ip", "link", "set", "v-"+h.name, "master", "bridge0", "up")
	inside := func(args ...string) { command(tb, "ip", append([]string{"-n", h.name}, args...)...) }
	inside("link", "set", "lo", "up")
	inside("link", "set", "eth0", "up")
	inside("address", "add", h.address+"/32", "dev", "eth0")
	inside("route", "add", "default", "dev", "eth0")
}

// cut drops all packets to and from a host, except those on its loopback.
func (h host) cut(tb testing.TB) {
	tb.Helper()
	rules := filepath.Join(tb.TempDir(), "cut")
	check(tb, os.WriteFile(rules, []byte(`table inet cut {
		chain input { type filter hook input priority -10; policy drop; iif "lo" accept; }
		chain output { type filter hook output priority -10; policy drop; oif "lo" accept; }
	}`), 0o600))
	command(tb, "ip", "netns", "exec", h.name, "nft", "-f", rules)
}

func (h host) heal(tb testing.TB) {
	tb.Helper()
	command(tb, "ip", "netns", "exec", h.name, "nft", "delete", "table", "inet", "cut")
}

// inside calls f on a thread in the host's network namespace. Sockets that f opens stay in that namespace.
func (h host) inside(f func() error) error {
	runtime.LockOSThread()
	back, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return err
	}
	defer back.Close()
	there, err := os.Open(h.namespace())
	if err != nil {
		return err
	}
	defer there.Close()
	if err := unix.Setns(int(there.Fd()), unix.CLONE_NEWNET); err != nil {
		return err
	}
	err = f()
	if failed := unix.Setns(int(back.Fd()), unix.CLONE_NEWNET); failed != nil {
		return errors.Join(err, failed) // the thread ends with its goroutine
	}
	runtime.UnlockOSThread()
	return err
}

func (h host) dial(ctx context.Context, address string) (c net.Conn, err error) {
	err = h.inside(func() error {
		d := net.Dialer{}
		c, err = d.DialContext(ctx, "tcp", address)
		return err
	})
	return c, err
}

// --- The ports and security groups in the templates ------------------------------------------------------------------

type portTable struct {
	CIDR      string
	Addresses map[string]string
	Rules     []struct {
		From, To string
		Port     int
	}
}

func readPorts(tb testing.TB, folder string) (table portTable) {
	tb.Helper()
	readJSON(tb, filepath.Join(folder, "ports.json"), &table)
	return table
}

// allows reports whether the table of ports allows a connection. What the world may reach, every host may reach too.
func (t portTable) allows(from, to string, port int) bool {
	out, in := from == "admin" || from == "world", false
	for _, rule := range t.Rules {
		if rule.Port != port {
			continue
		}
		out = out || rule.From == from && (rule.To == to || rule.To == "world")
		in = in || rule.To == to && (rule.From == from || rule.From == "world")
	}
	return out && in
}

// reference is a reference to another resource of the template.
type reference struct {
	GetAtt []string `json:"Fn::GetAtt"`
}

type rule struct {
	IPProtocol, CidrIP                                         string
	FromPort, ToPort                                           int
	GroupID, SourceSecurityGroupID, DestinationSecurityGroupID reference
	SecurityGroupIngress, SecurityGroupEgress                  []rule
	GroupDescription                                           string
}

// readGroups converts the template's security groups into nftables rules, by host.
func readGroups(tb testing.TB, folder string, n network) map[string]string {
	tb.Helper()
	var template struct {
		Resources map[string]struct {
			Type       string
			Properties json.RawMessage
		}
	}
	readJSON(tb, filepath.Join(folder, "network.json"), &template)
	names, all := map[string]string{}, map[string]rule{}
	for id, resource := range template.Resources {
		if !strings.HasPrefix(resource.Type, "AWS::EC2::SecurityGroup") {
			continue
		}
		var r rule
		check(tb, json.Unmarshal(resource.Properties, &r))
		all[id] = r
		if resource.Type == "AWS::EC2::SecurityGroup" {
			names[id] = r.GroupDescription
		}
	}
	type lines struct{ in, out []string }
	groups := map[string]*lines{}
	for _, name := range names {
		groups[name] = &lines{}
	}
	address := func(r reference, cidr string) string {
		if len(r.GetAtt) > 0 {
			return n[names[r.GetAtt[0]]].address
		}
		return cidr
	}
	in := func(group string, r rule) {
		groups[group].in = append(groups[group].in, r.accept("saddr", address(r.SourceSecurityGroupID, r.CidrIP)))
	}
	out := func(group string, r rule) {
		if r.CidrIP != "255.255.255.255/32" { // the CDK's rule for "no destination"
			groups[group].out = append(groups[group].out, r.accept("daddr", address(r.DestinationSecurityGroupID, r.CidrIP)))
		}
	}
	for id, r := range all {
		switch template.Resources[id].Type {
		case "AWS::EC2::SecurityGroup":
			for _, part := range r.SecurityGroupIngress {
				in(names[id], part)
			}
			for _, part := range r.SecurityGroupEgress {
				out(names[id], part)
			}
		case "AWS::EC2::SecurityGroupIngress":
			in(names[r.GroupID.GetAtt[0]], r)
		case "AWS::EC2::SecurityGroupEgress":
			out(names[r.GroupID.GetAtt[0]], r)
		}
	}
	texts := map[string]string{}
	for name, l := range groups {
		texts[name] = fmt.Sprintf(`table inet group {
			chain input { type filter hook input priority 0; policy drop; iif "lo" accept; ct state established,related accept; %s }
			chain output { type filter hook output priority 0; policy drop; oif "lo" accept; ct state established,related accept; %s }
		}`, strings.Join(l.in, " "), strings.Join(l.out, " "))
	}
	return texts
}

func (r rule) accept(side, address string) string {
	if r.IPProtocol != "tcp" {
		return "unknown protocol " + r.IPProtocol // nft refuses it
	}
	return fmt.Sprintf("ip %s %s tcp dport %d-%d accept;", side, address, r.FromPort, r.ToPort)
}

// --- Helpers -----------------------------------------------------------------------------------------------------------

func readJSON(tb testing.TB, path string, into any) {
	tb.Helper()
	text, err := os.ReadFile(path)
	check(tb, err)
	check(tb, json.Unmarshal(text, into))
}

func command(tb testing.TB, name string, args ...string) string {
	tb.Helper()
	out, err := exec.CommandContext(tb.Context(), name, args...).CombinedOutput()
	if err != nil {
		tb.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// eventually waits until done returns nil. If it never does, the test log has the last error.
func eventually(tb testing.TB, what string, done func() error) {
	tb.Helper()
	var missing error
	defer func() {
		if tb.Failed() && missing != nil {
			tb.Logf("%s: %v", what, missing)
		}
	}()
	testserver.Eventually(tb, what, func() bool {
		missing = done()
		return missing == nil
	})
}
