//go:build servers

package main

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/websocket"
)

// browser is a page in a headless Chromium, over its DevTools protocol.
type browser struct {
	t    *testing.T
	conn *websocket.Conn
	last int // id of a call
}

// browse opens a page. Chromium ends with the test.
func browse(t *testing.T, page string) *browser {
	t.Helper()
	cmd := exec.Command("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-port=0",
		"--remote-allow-origins=*", "--user-data-dir="+t.TempDir(), "about:blank")
	said, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start(), ".ci/install-servers installs Chromium")
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	var host string
	var log strings.Builder
	for lines := bufio.NewScanner(said); host == "" && lines.Scan(); {
		fmt.Fprintln(&log, lines.Text())
		if _, at, ok := strings.Cut(lines.Text(), "listening on ws://"); ok {
			host, _, _ = strings.Cut(at, "/")
		}
	}
	require.NotEmpty(t, host, log.String())

	request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://"+host+"/json/new?"+url.QueryEscape(page), nil)
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	var tab struct {
		URL string `json:"webSocketDebuggerUrl"`
	}
	require.NoError(t, json.NewDecoder(response.Body).Decode(&tab))
	conn, err := websocket.Dial(tab.URL, "", "http://"+host)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	conn.MaxPayloadBytes = 64 << 20
	return &browser{t: t, conn: conn}
}

// call calls a method of the protocol and decodes its result.
func (b *browser) call(method string, params, result any) {
	b.t.Helper()
	b.last++
	require.NoError(b.t, websocket.JSON.Send(b.conn, map[string]any{"id": b.last, "method": method, "params": params}))
	for {
		var answer struct {
			ID     int             `json:"id"`
			Result json.RawMessage `json:"result"`
			Error  json.RawMessage `json:"error"`
		}
		require.NoError(b.t, websocket.JSON.Receive(b.conn, &answer))
		if answer.ID == b.last {
			require.Empty(b.t, string(answer.Error), method)
			if result != nil {
				require.NoError(b.t, json.Unmarshal(answer.Result, result))
			}
			return
		}
	}
}

// eval returns the value of an expression in the page.
func eval[V any](b *browser, expression string) V {
	b.t.Helper()
	var found struct {
		Result struct{ Value V }
	}
	b.call("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true}, &found)
	return found.Result.Value
}

// text is what a reader sees.
func (b *browser) text() string {
	return eval[string](b, `document.body ? document.body.innerText : ""`)
}

func (b *browser) resize(width int) {
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": false}, nil)
}

func (b *browser) dark(on bool) {
	value := map[bool]string{true: "dark", false: "light"}[on]
	b.call("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": value}}}, nil)
}

// screenshot writes a picture of the whole page.
func (b *browser) screenshot(path string) {
	b.t.Helper()
	var picture struct{ Data string }
	b.call("Page.captureScreenshot", map[string]any{"captureBeyondViewport": true}, &picture)
	png, err := base64.StdEncoding.DecodeString(picture.Data)
	require.NoError(b.t, err)
	require.NoError(b.t, os.WriteFile(path, png, 0o644))
}
