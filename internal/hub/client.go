package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// User is who is logged in.
type User struct {
	// Name is the hub's name of the user. A service that comes with a token of
	// its own is "service NAME", which no user is called.
	Name string
	// Admin may see the calls of all.
	Admin bool
}

var (
	// errRefused: the hub does not take the code or the token (any more).
	errRefused = errors.New("hub: not logged in")
	// errForbidden: the hub knows the user, who may not use this service.
	errForbidden = errors.New("hub: the user may not use this service")
)

const (
	// patience is how long the hub may take.
	patience = 10 * time.Second
	// maxAnswer bounds what is read of an answer.
	maxAnswer = 1 << 20
)

// client asks the hub.
type client struct {
	c    Config
	http *http.Client
}

func newClient(c Config) client {
	return client{c: c, http: &http.Client{
		// No proxy: the agent may be the one that its environment names.
		Transport: &http.Transport{Proxy: nil, MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute},
		Timeout:   patience,
		// A token goes to the hub that was named and to no other place.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// exchange turns the code of a login into the user's token.
func (h client) exchange(ctx context.Context, code string) (token string, err error) {
	form := url.Values{
		"client_id": {h.c.ClientID}, "client_secret": {h.c.Token}, "grant_type": {"authorization_code"},
		"code": {code}, "redirect_uri": {h.c.Callback},
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.c.API+"/oauth2/token", strings.NewReader(form.Encode()))
	if err != nil {
		return "", fmt.Errorf("hub: exchange code: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	var answer struct {
		Token string `json:"access_token"`
	}
	if err := h.do(req, &answer); err != nil {
		return "", fmt.Errorf("hub: exchange code: %w", err)
	}
	if answer.Token == "" {
		return "", errors.New("hub: exchange code: the answer has no access_token")
	}
	return answer.Token, nil
}

// model is what the hub says of the owner of a token.
type model struct {
	Kind   string   `json:"kind"`
	Name   string   `json:"name"`
	Admin  bool     `json:"admin"`
	Scopes []string `json:"scopes"`
}

// whose asks whose token it is, and whether it opens this service.
func (h client) whose(ctx context.Context, token string) (User, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, h.c.API+"/user", nil)
	if err != nil {
		return User{}, fmt.Errorf("hub: ask for the user: %w", err)
	}
	req.Header.Set("Authorization", "token "+token)
	var m model
	if err := h.do(req, &m); err != nil {
		return User{}, fmt.Errorf("hub: ask for the user: %w", err)
	}
	return m.user(h.c.Name)
}

// user judges what the hub said. A service has a name that a user can have, too.
func (m model) user(service string) (User, error) {
	has := func(scope string) bool { return slices.Contains(m.Scopes, scope) }
	if m.Name == "" || !has("access:services") && !has("access:services!service="+service) {
		return User{}, errForbidden
	}
	u := User{Name: m.Name, Admin: m.Admin || has("admin:users")}
	switch m.Kind {
	case "user":
	case "service":
		u.Name = "service " + u.Name
	default:
		return User{}, errForbidden
	}
	return u, nil
}

// do decodes a JSON answer. Its errors hold nothing that the hub or a user wrote.
func (h client) do(req *http.Request, into any) error {
	resp, err := h.http.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound:
		return errRefused
	default:
		return fmt.Errorf("the hub answered %d", resp.StatusCode)
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(into); err != nil {
		return fmt.Errorf("read the hub's answer: %w", err)
	}
	return nil
}
