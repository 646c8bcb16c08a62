package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"kvd/replica/acl"
)

// Failure is the body of every refusal.
type Failure struct {
	Error string `json:"error"` // what failed
	Why   string `json:"why"`
	Next  string `json:"next"` // what to do
}

func refuse(w http.ResponseWriter, code int, f Failure) { answer(w, code, f) }

// answer writes v as JSON. That a client is gone by then is its own affair.
func answer[T liveness | readiness | report | Failure | overview | KeyPage | Sum | Experiment](w http.ResponseWriter, code int, v T) {
	body, err := json.MarshalIndent(v, "", "  ")
	if err != nil { // a number that is not one
		code, body = http.StatusInternalServerError, []byte(`{"error":"the answer could not be written","why":"a value has no JSON","next":"report this"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	w.Write(append(body, '\n'))
}

// readsOnly lets nothing through that wants to change something, but for experiments
// where there are any, and says how browsers should treat the rest.
func (c *Console) readsOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'") // pprof's index has styles in its text
		changes := c.cfg.Experiments != nil && r.URL.Path == experimentsPath && r.Method == http.MethodPost
		if r.Method != http.MethodGet && r.Method != http.MethodHead && !changes {
			h.Set("Allow", "GET, HEAD")
			refuse(w, http.StatusMethodNotAllowed, Failure{"the request was refused", r.Method + " changes things, and nothing can be changed here", "use GET"})
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (c *Console) known(next http.Handler) http.Handler {
	if c.cfg.Login == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, pass, given := r.BasicAuth()
		if !given {
			unknown(w, "no user and password were given")
			return
		}
		user, err := c.cfg.Login(r.Context(), name, pass, r.RemoteAddr)
		if busy, ok := errors.AsType[*acl.BusyError](err); ok {
			refuse(w, http.StatusTooManyRequests, Failure{"the password was not looked at", busy.Why, "try again later"})
			return
		}
		if err != nil {
			unknown(w, "the user or the password is wrong")
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), userKey{}, user)))
	})
}

func unknown(w http.ResponseWriter, why string) {
	w.Header().Set("WWW-Authenticate", `Basic realm="kvd", charset="UTF-8"`)
	refuse(w, http.StatusUnauthorized, Failure{"the request was refused", why, "give those of an operator"})
}

type userKey struct{}

// userOf is who a request is by; nil is nobody, who may do everything.
func userOf(r *http.Request) *acl.User {
	u, _ := r.Context().Value(userKey{}).(*acl.User)
	return u
}

func needs(roles acl.Roles, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if u := userOf(r); !u.Rights().May(roles) {
			refuse(w, http.StatusForbidden, Failure{"the request was refused", fmt.Sprintf("%s has not the role that this page needs: %s", u.Name(), roles), "ask as another user"})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// fromHere lets in who asks from this machine, for itself: profiles show memory,
// and taking them costs. Behind a proxy on this machine everybody seems to be
// here, so what a proxy forwards is refused; and so is what a browser was tricked
// into asking under another host's name.
func fromHere(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		forwarded := r.Header.Get("Forwarded") != "" || r.Header.Get("X-Forwarded-For") != ""
		if forwarded || !isLoopback(r.RemoteAddr) || !isLoopback(r.Host) {
			refuse(w, http.StatusForbidden, Failure{"the profile was refused", "profiles are only for who asks from this machine", "log in there and ask localhost"})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// isLoopback reports whether an address, with a port or without, is this
// machine's own.
func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = strings.Trim(address, "[]")
	}
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
