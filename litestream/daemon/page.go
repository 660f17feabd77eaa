package daemon

import (
	"fmt"
	"html/template"
	"slices"
	"time"
)

// newPage returns the template of the status page, for a Status.
func newPage() *template.Template {
	return template.Must(template.New("page").Funcs(template.FuncMap{
		"time": shownTime, "ago": ago, "problems": Status.problems, "databases": databases}).Parse(pageSource))
}

// shownTime formats a time for the page.
func shownTime(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

// ago formats how long ago a time was, for the page.
func ago(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return time.Since(t).Round(time.Second).String() + " ago"
}

// databases formats a number of databases for the page.
func databases(n int) string {
	if n == 1 {
		return "1 database"
	}
	return fmt.Sprintf("%d databases", n)
}

// problems returns the number of databases that are not healthy.
func (s Status) problems() (n int) {
	for _, db := range s.Databases {
		if !db.Healthy {
			n++
		}
	}
	return n
}

// forPage returns s with the databases that are not healthy first.
func (s Status) forPage() Status {
	slices.SortStableFunc(s.Databases, func(a, b DatabaseStatus) int {
		switch {
		case a.Healthy == b.Healthy:
			return 0
		case b.Healthy:
			return -1
		}
		return 1
	})
	return s
}

const pageSource = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="refresh" content="10">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{if .Healthy}}healthy{{else}}PROBLEMS{{end}} - ltxstored</title>
<style>
:root { color-scheme: light dark; --soft: #5f5f5f; --line: #d5d5d5; --ok: #06702c; --bad: #b00020 }
@media (prefers-color-scheme: dark) { :root { --soft: #aaa; --line: #444; --ok: #5fce86; --bad: #ff8a96 } }
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 60em; padding: .5em 1em 2em }
h1 { font-size: 1.5em; margin: .5em 0 0 } h2 { font-size: 1.1em; margin: 0 0 .4em }
p { color: var(--soft); margin: .2em 0 1.2em }
section { border: 1px solid var(--line); border-left: .35em solid var(--ok); border-radius: .35em; margin: 1em 0; padding: .7em 1em }
section.problem { border-left-color: var(--bad) }
table { border-collapse: collapse; width: 100% }
th { text-align: left; font-weight: normal; color: var(--soft); width: 9em; vertical-align: top; padding: .15em 1em .15em 0 }
td { padding: .15em 0 }
h2, td { overflow-wrap: anywhere }
small { color: var(--soft); font-size: .9em }
.ok { color: var(--ok) } .bad { color: var(--bad) }
@media (max-width: 36em) { th, td { display: block; width: auto; padding: 0 } th { padding-top: .4em } }
</style>
</head>
<body>
<h1>ltxstored: <span id="health" class="{{if .Healthy}}ok{{else}}bad{{end}}">{{if .Healthy}}healthy{{else}}{{problems .}} of {{databases (len .Databases)}} with problems{{end}}</span></h1>
<p>{{databases (len .Databases)}}, running since {{time .Started}} · <a href="/health">health</a> · <a href="/status">status as JSON</a> · <a href="/metrics">metrics</a></p>
{{range .Databases}}
<section{{if not .Healthy}} class="problem"{{end}}>
<h2>{{.Path}} <span class="{{if .Healthy}}ok{{else}}bad{{end}}">{{if .Healthy}}healthy{{else}}problems{{end}}</span></h2>
<table>
{{range .Problems}}<tr><th>Problem</th><td class="bad">{{.}}</td></tr>
{{end}}<tr><th>Position</th><td>{{.TXID}}, {{if .Replicated}}replicated {{.Replicated}}{{else}}not known what is replicated{{end}}</td></tr>
<tr><th>Lag</th><td>{{if not .Replicated}}not known{{else if .Lag}}{{.Lag}} transaction{{if ne .Lag 1}}s{{end}}{{else}}none{{end}}, in sync {{ago .LastSync}}</td></tr>
{{range .Replicas}}<tr><th>Replica</th><td>{{.Place}}<br><small>last write {{ago .LastWrite}}</small>{{if .LastFailure}}<br><small{{if .Failing}} class="bad"{{end}}>last failure {{ago .FailedAt}}: {{.LastFailure}}</small>{{end}}</td></tr>
{{end}}<tr><th>Can be restored</th><td>{{with .Window}}{{if .Failure}}<span class="bad">not known: {{.Failure}}</span>{{else if .TXID}}{{time .Oldest}} to {{time .Newest}}, transaction {{.TXID}}<br><small>found out {{ago .At}}</small>{{else}}nothing yet{{end}}{{end}}</td></tr>
<tr><th>Last check</th><td>{{with .Check}}{{if .At.IsZero}}none: see validation.interval{{else}}{{if .OK}}<span class="ok">sound</span>{{else}}<span class="bad">failed</span>{{end}}, {{time .At}}, {{if .Read}}all files read{{else}}from listings{{end}}{{end}}{{end}}</td></tr>
</table>
</section>
{{end}}
</body>
</html>
`
