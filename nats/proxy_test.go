package nats_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
)

// proxy stands between clients and a server, and knows the protocol's messages.
type proxy struct {
	listener net.Listener
	server   string
	wg       sync.WaitGroup

	mu       sync.Mutex
	conns    map[net.Conn]bool
	requests int64
	down     bool
	silent   bool // no answer comes any more

	// answer, if not nil, returns what a request is answered with instead of
	// by the server: headers, without their last line, and a body.
	answer func(subject string, payload []byte) (headers, body string, ok bool)

	// cut breaks the connection before the next chunk after so many bytes of
	// chunks, stall swallows what comes after; less than 0 means never.
	cut, stall int64

	// others, if not empty, is what the server says that another of its cluster is.
	others string

	// lose drops one description that is pushed: the first is 1, and 0 none.
	lose int
}

func newProxy(server string) (*proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{listener: l, server: server, conns: map[net.Conn]bool{}, cut: -1, stall: -1}
	p.wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			p.wg.Go(func() { p.serve(conn) })
		}
	})
	return p, nil
}

func (p *proxy) url() string { return "nats://" + p.listener.Addr().String() }

// set changes the faults, and breaks the connections if the new ones say so.
func (p *proxy) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
	if p.down {
		for conn := range p.conns {
			conn.Close()
		}
	}
}

// drop breaks all connections.
func (p *proxy) drop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.conns {
		conn.Close()
	}
}

func (p *proxy) close() {
	p.listener.Close()
	p.drop()
	p.wg.Wait()
}

func (p *proxy) count() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.requests
}

// pipe is one client's connection.
type pipe struct {
	*proxy
	mu     sync.Mutex // of writes to the client
	client net.Conn
	subs   map[string]string // patterns, and their IDs
	chunks int64             // bytes
}

func (p *proxy) serve(client net.Conn) {
	p.mu.Lock()
	address := p.server
	p.mu.Unlock()
	server, err := net.Dial("tcp", address)
	if err != nil {
		client.Close()
		return
	}
	p.mu.Lock()
	p.conns[client], p.conns[server] = true, true
	down := p.down
	p.mu.Unlock()
	end := func() { client.Close(); server.Close() }
	if down {
		end()
	}
	c := &pipe{proxy: p, client: client, subs: map[string]string{}}
	var wg sync.WaitGroup
	wg.Go(func() { defer end(); c.up(bufio.NewReader(client), server) })
	wg.Go(func() { defer end(); c.down(bufio.NewReader(server)) })
	wg.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, client)
	delete(p.conns, server)
}

// message reads a line, and the payload that it announces.
func message(r *bufio.Reader) (fields []string, all, payload []byte, err error) {
	line, err := r.ReadBytes('\n')
	if err != nil {
		return nil, nil, nil, err
	}
	fields = strings.Fields(string(line))
	if len(fields) == 0 {
		return []string{""}, line, nil, nil
	}
	switch strings.ToUpper(fields[0]) {
	case "PUB", "HPUB", "MSG", "HMSG":
		n, err := strconv.Atoi(fields[len(fields)-1])
		if err != nil {
			return nil, nil, nil, err
		}
		payload = make([]byte, n+2)
		if _, err := io.ReadFull(r, payload); err != nil {
			return nil, nil, nil, err
		}
		line = append(line, payload...)
	}
	return fields, line, payload, nil
}

func (c *pipe) up(r *bufio.Reader, server net.Conn) {
	for {
		fields, all, payload, err := message(r)
		if err != nil {
			return
		}
		switch strings.ToUpper(fields[0]) {
		case "SUB":
			c.mu.Lock()
			c.subs[fields[1]] = fields[len(fields)-1]
			c.mu.Unlock()
		case "PUB", "HPUB":
			c.proxy.mu.Lock()
			c.requests++
			answer := c.answer
			c.proxy.mu.Unlock()
			if answer == nil {
				break
			}
			if headers, body, ok := answer(fields[1], payload); ok {
				c.reply(fields[2], headers, body)
				continue
			}
		}
		if _, err := server.Write(all); err != nil {
			return
		}
	}
}

// reply answers a request.
func (c *pipe) reply(inbox, headers, body string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for pattern, id := range c.subs {
		if pattern != inbox && (!strings.HasSuffix(pattern, "*") || !strings.HasPrefix(inbox, strings.TrimSuffix(pattern, "*"))) {
			continue
		}
		if headers == "" {
			fmt.Fprintf(c.client, "MSG %s %s %d\r\n%s\r\n", inbox, id, len(body), body)
		} else {
			headers += "\r\n\r\n"
			fmt.Fprintf(c.client, "HMSG %s %s %d %d\r\n%s%s\r\n", inbox, id, len(headers), len(headers)+len(body), headers, body)
		}
		return
	}
}

// isDescription reports whether a message for the client is a description, in the response
// to a request or from a consumer.
func isDescription(fields []string, payload []byte) bool {
	_, about, ok := bytes.Cut(payload, []byte("Nats-Subject: $O."))
	if !ok && len(fields) > 1 {
		about, ok = bytes.CutPrefix([]byte(fields[1]), []byte("$O."))
	}
	about, _, _ = bytes.Cut(about, []byte("\r"))
	return ok && bytes.Contains(about, []byte(".M."))
}

func (c *pipe) down(r *bufio.Reader) {
	for {
		fields, all, payload, err := message(r)
		if err != nil {
			return
		}
		if strings.ToUpper(fields[0]) == "HMSG" && bytes.Contains(payload, []byte("Nats-Subject: $O.")) && bytes.Contains(payload, []byte(".C.")) {
			head, _ := strconv.Atoi(fields[len(fields)-2])
			c.proxy.mu.Lock()
			cut, stall := c.cut, c.stall
			c.proxy.mu.Unlock()
			switch { // a message is whole or not there
			case cut >= 0 && c.chunks >= cut:
				return
			case stall >= 0 && c.chunks >= stall:
				continue
			}
			c.chunks += int64(len(payload) - 2 - head)
		}
		c.proxy.mu.Lock()
		if c.others != "" && fields[0] == "INFO" {
			all = bytes.Replace(all, []byte("{"), []byte(`{"connect_urls":["`+c.others+`"],`), 1)
		}
		silent := c.silent
		if c.lose > 0 && isDescription(fields, payload) {
			if c.lose--; c.lose == 0 {
				c.lose, silent = -1, true
			}
		}
		c.proxy.mu.Unlock()
		if silent {
			continue
		}
		c.mu.Lock()
		_, err = c.client.Write(all)
		c.mu.Unlock()
		if err != nil {
			return
		}
	}
}
