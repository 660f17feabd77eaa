package daemon

import (
	"html/template"
	"time"
)

// newPage returns the template of the status page, which shows a Status.
func newPage() *template.Template {
	return template.Must(template.New("page").Funcs(template.FuncMap{"time": shownTime, "ago": ago}).Parse(pageSource))
}

// shownTime is how the page shows a moment.
func shownTime(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

// ago is how the page shows how long ago a moment was.
func ago(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return time.Since(t).Round(time.Second).String() + " ago"
}

const pageSource = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="refresh" content="10">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{if .Healthy}}healthy{{else}}PROBLEMS{{end}} - ltxstored</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 60em; padding: 0 1em; color: #222; background: #fff }
h1 { font-size: 1.4em } h2 { font-size: 1.1em; margin: 2em 0 .5em; overflow-wrap: anywhere }
table { border-collapse: collapse; width: 100% }
th { text-align: left; font-weight: normal; color: #666; width: 11em; vertical-align: top; padding: .2em 1em .2em 0 }
td { padding: .2em 0; overflow-wrap: anywhere }
.ok { color: #06702c } .bad { color: #b00020 }
</style>
</head>
<body>
<h1>ltxstored: <span id="health" class="{{if .Healthy}}ok{{else}}bad{{end}}">{{if .Healthy}}healthy{{else}}problems{{end}}</span></h1>
<p>{{len .Databases}} database{{if ne (len .Databases) 1}}s{{end}}, running since {{time .Started}} · <a href="/health">health</a> · <a href="/status">status as JSON</a> · <a href="/metrics">metrics</a></p>
{{range .Databases}}
<section>
<h2>{{.Path}} <span class="{{if .Healthy}}ok{{else}}bad{{end}}">{{if .Healthy}}healthy{{else}}problems{{end}}</span></h2>
<table>
{{range .Problems}}<tr><th>Problem</th><td class="bad">{{.}}</td></tr>
{{end}}<tr><th>Position</th><td>{{.TXID}}, replicated {{.Replicated}}</td></tr>
<tr><th>Lag</th><td>{{if .Lag}}{{.Lag}} transaction{{if ne .Lag 1}}s{{end}}{{else}}none{{end}}, in sync {{ago .LastSync}}</td></tr>
{{range .Replicas}}<tr><th>Replica</th><td>{{.Place}}, last write {{ago .LastWrite}}{{if .LastFailure}}<br><span class="{{if .Failing}}bad{{end}}">last failure {{ago .FailedAt}}: {{.LastFailure}}</span>{{end}}</td></tr>
{{end}}<tr><th>Can be restored</th><td>{{with .Window}}{{if .Failure}}<span class="bad">not known: {{.Failure}}</span>{{else if .TXID}}{{time .Oldest}} to {{time .Newest}}, transaction {{.TXID}}{{else}}nothing yet{{end}}{{end}}</td></tr>
<tr><th>Last check</th><td>{{with .Check}}{{if .At.IsZero}}none: see validation.interval{{else}}{{if .OK}}<span class="ok">sound</span>{{else}}<span class="bad">failed</span>{{end}}, {{time .At}}, {{if .Read}}all files read{{else}}from listings{{end}}{{end}}{{end}}</td></tr>
</table>
</section>
{{end}}
</body>
</html>
`
