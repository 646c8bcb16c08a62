package main

import (
	"encoding/pem"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"kvd/replica/resp"
	"kvd/replica/resp/server"
)

// serveStub answers some commands with what it is given, in RESP2, and knows no
// other: a server of another age. It ends with the test.
func serveStub(t testing.TB, answers map[string]string) string {
	return accept(t, func(nc net.Conn) { stub(nc, answers) })
}

// accept lets play have every connection to the address it answers, each in a
// goroutine of its own, until the test ends; then it waits for all.
func accept(t testing.TB, play func(net.Conn)) string {
	l := listen(t)
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			conns.Go(func() { play(nc) })
		}
	})
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		conns.Wait()
	})
	return l.Addr().String()
}

// stub runs one connection to its end: clients close first.
func stub(nc net.Conn, answers map[string]string) {
	script(nc, func(name string) string {
		answer, known := answers[name]
		if !known {
			answer = "-ERR unknown command '" + name + "', with args beginning with: \r\n"
		}
		return answer
	})
}

// script is stub with answers that may change.
func script(nc net.Conn, answer func(name string) string) {
	defer nc.Close()
	limits := resp.DefaultLimits()
	in := resp.NewReader(nc, &limits)
	for {
		args, ok, err := in.Next()
		if err != nil {
			return
		}
		if !ok {
			if in.Fill() != nil {
				return
			}
			continue
		}
		if _, err := nc.Write([]byte(answer(strings.ToUpper(string(args[0]))))); err != nil {
			return
		}
	}
}

// newer is what a server answers that has KVD.MEMBERS and KVD.HISTORY.
func newer(n1, n2 string) map[string]string {
	return map[string]string{
		"KVD.MEMBERS": array(
			array(bulk("name"), bulk("ann"), bulk("status"), bulk("alive"), bulk("resp"), bulk(n1), bulk("http"), bulk("127.0.0.1:80"), bulk("peer"), bulk("127.0.0.1:70"), bulk("origin"), bulk("000000000000fade")),
			array(bulk("name"), bulk("bob"), bulk("status"), bulk("alive"), bulk("resp"), bulk(n2), bulk("http"), bulk(""), bulk("peer"), bulk(""), bulk("origin"), bulk("")),
			array(bulk("name"), bulk("cy"), bulk("status"), bulk("left"), bulk("resp"), bulk("127.0.0.1:1"), bulk("http"), bulk(""), bulk("peer"), bulk(""), bulk("origin"), bulk("")),
		),
		"KVD.HISTORY": array(bulk("leader"), bulk("ann"), bulk("removed"), ":12\r\n", bulk("writes"), array(
			array(bulk("dot"), bulk("b-1"), bulk("kind"), bulk("delete"), bulk("value"), "$-1\r\n", bulk("delta"), ":0\r\n", bulk("wall"), ":1000002000\r\n", bulk("error"), ":3000000\r\n",
				bulk("hlc"), bulk("8.0"), bulk("lamport"), ":4\r\n", bulk("parents"), array(bulk("a-1")), bulk("client"), bulk("7/1")),
			array(bulk("dot"), bulk("a-1"), bulk("kind"), bulk("add"), bulk("value"), bulk("1"), bulk("delta"), ":1\r\n", bulk("wall"), ":1000000000\r\n", bulk("error"), ":0\r\n",
				bulk("hlc"), bulk("7.0"), bulk("lamport"), ":3\r\n", bulk("parents"), array(), bulk("client"), bulk("")),
		)),
	}
}

func bulk(s string) string { return "$" + strconv.Itoa(len(s)) + "\r\n" + s + "\r\n" }

func array(items ...string) string {
	return "*" + strconv.Itoa(len(items)) + "\r\n" + strings.Join(items, "")
}

// secure serves TLS at $SECURE, with the authority's certificate in ca.pem.
func secure(t *testing.T, env *testscript.Env) error {
	web := httptest.NewTLSServer(nil) // for its certificate
	defer web.Close()
	f := serve(t, func(c *server.Config) { c.TLS = web.TLS })
	env.Setenv("SECURE", f.addr)
	env.Defer(f.stop)
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw})
	return os.WriteFile(filepath.Join(env.WorkDir, "ca.pem"), text, 0o600)
}
