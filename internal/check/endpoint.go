package check

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// Names are what calls need beside the URL; each may be in the URL instead.
type Names struct{ Deployment, Model, APIVersion string }

// Endpoint is a URL that was understood.
type Endpoint struct {
	Service Service
	// URL is what was given, without a trailing slash; it holds no secret.
	URL *url.URL
	Names
	// prefix is the path before the service's own.
	prefix string
	// whole: the path of a call was given, not only a base URL.
	whole bool
	slash bool
}

var (
	placeholder = regexp.MustCompile(`<[^>]*>|\{[^}]*\}|%3C.*%3E|%7B.*%7D|\$[A-Z_]+|(?i:your[-_](resource|deployment|endpoint|model|host|name)[-_\w]*)`)
	deployment  = regexp.MustCompile(`/openai/deployments/([^/]+)`)
	pathModel   = regexp.MustCompile(`/models/([^/:]+)`)
	secretQuery = regexp.MustCompile(`(?i)^(key|api[-_]?key|token|access_token|sig|signature|subscription-key|code)$`)
)

// Parse reads a base URL or the full address of a call. Its errors say what is
// wrong with the text and never repeat what may be a secret.
func Parse(text string, n Names) (Endpoint, error) {
	u, err := parseURL(text)
	if err != nil {
		return Endpoint{}, err
	}
	e := Endpoint{URL: u, Names: n, Service: recognise(u)}
	if e.Service == OpenAI && n.Deployment != "" {
		e.Service = Azure
	}
	e.slash = len(u.Path) > 1 && strings.HasSuffix(u.Path, "/")
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), ""
	e.prefix = u.Path
	row := e.Service.row()
	if at := row.start.FindStringIndex(u.Path); at != nil {
		e.prefix = u.Path[:at[0]]
	}
	e.whole = strings.HasSuffix(u.Path, "/chat/completions") || strings.HasSuffix(u.Path, "enerateContent") || strings.HasSuffix(u.Path, row.chat)
	if m := deployment.FindStringSubmatch(u.Path); m != nil {
		if n.Deployment != "" && n.Deployment != m[1] {
			return Endpoint{}, fmt.Errorf("the URL names the deployment %s and --deployment another, %s; give one", m[1], n.Deployment)
		}
		e.Deployment = m[1]
	}
	if m := pathModel.FindStringSubmatch(u.Path); m != nil && e.Service == Gemini && e.Model == "" {
		e.Model = m[1]
	}
	for name, values := range u.Query() {
		if strings.EqualFold(name, "api-version") && e.APIVersion == "" {
			e.APIVersion = values[0]
		}
	}
	return e, nil
}

// parseURL takes what cannot be a URL of a service apart from what can.
func parseURL(text string) (*url.URL, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil, errors.New("the URL is empty; give one, for example https://api.openai.com/v1")
	}
	if strings.ContainsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return nil, errors.New("the URL has a blank or a control character in it; was it copied with a line break?")
	}
	u, err := url.Parse(text)
	if err != nil {
		// Other errors repeat a part of the text, which may be a key.
		if escape, is := errors.AsType[url.EscapeError](err); is {
			return nil, fmt.Errorf("the URL cannot be read: %w", escape)
		}
		return nil, errors.New("the URL cannot be read: its scheme, host or port is malformed")
	}
	if u.Scheme == "" || u.Host == "" && u.Opaque != "" || strings.Contains(u.Scheme, ".") || u.Scheme == "localhost" {
		return nil, errors.New("the URL has no scheme; begin it with https:// (http:// for a service on this machine)")
	}
	switch u.Scheme {
	case "http", "https":
	default:
		return nil, fmt.Errorf("the URL's scheme is %q; want https (or http)", u.Scheme)
	}
	return u, secretless(u)
}

// secretless refuses URLs without a host, with a secret or not filled in.
func secretless(u *url.URL) error {
	if u.Hostname() == "" {
		return errors.New("the URL names no host; want https://HOST/…")
	}
	if p := u.Port(); p != "" {
		if n, err := strconv.Atoi(p); err != nil || n < 1 || n > 65535 {
			return fmt.Errorf("the URL's port %s is none; want 1 to 65535", p)
		}
	}
	if u.User != nil {
		return errors.New("the URL holds a user or password before @; take it out: keys come from a variable (--key-env NAME)")
	}
	for name := range u.Query() {
		if secretQuery.MatchString(name) {
			return fmt.Errorf("the URL holds a secret in ?%s=; take it out: keys come from a variable (--key-env NAME)", name)
		}
	}
	if found := placeholder.FindString(u.Host + u.Path); found != "" {
		return fmt.Errorf("the URL still has the placeholder %s in it; put the real name there", found)
	}
	return nil
}

// Address is HOST:PORT of the service.
func (e Endpoint) Address() string {
	port := e.URL.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[e.URL.Scheme]
	}
	return join(e.URL.Hostname(), port)
}

// Base is the part of the URL before the service's own path: what an SDK's
// endpoint setting wants.
func (e Endpoint) Base() string {
	base := e.URL.Scheme + "://" + e.URL.Host + e.prefix
	switch e.Service {
	case AzureV1:
		return base + "/openai/v1"
	default:
		return base
	}
}

// chat returns path and query of a call.
func (e Endpoint) chat(stream bool) (path, query string) {
	path = e.prefix + strings.NewReplacer("{dep}", url.PathEscape(e.Deployment), "{model}", url.PathEscape(e.Model)).Replace(e.Service.row().chat)
	if e.whole {
		path = e.URL.Path
	}
	if e.Service == Gemini && stream {
		path, query = strings.Replace(path, ":generateContent", ":streamGenerateContent", 1), "alt=sse"
	}
	given := e.URL.Query()
	if e.APIVersion != "" {
		for name := range given {
			if strings.EqualFold(name, "api-version") {
				given.Del(name)
			}
		}
		given.Set("api-version", e.APIVersion)
	}
	return path, strings.Trim(query+"&"+given.Encode(), "&")
}

// models returns the path of the list of models, empty if there is none.
func (e Endpoint) models() string {
	if list := e.Service.row().models; list != "" {
		return e.prefix + list
	}
	return ""
}

// ready reports whether the address of a call is complete.
func (e Endpoint) ready() bool {
	return (e.Service != Azure || e.Deployment != "") && (e.Service != Gemini || e.Model != "")
}
