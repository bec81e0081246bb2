package agent

type product struct {
	token string // stands in the field
	name  string // is logged
}

// bots name themselves somewhere in the field. More particular ones stand
// before those they contain.
var bots = []product{
	{"Googlebot", "Googlebot"}, {"GoogleOther", "GoogleOther"}, {"Google-InspectionTool", "Google-InspectionTool"},
	{"AdsBot-Google", "AdsBot-Google"}, {"Mediapartners-Google", "Mediapartners-Google"}, {"Storebot-Google", "Storebot-Google"},
	{"GPTBot", "GPTBot"}, {"ChatGPT-User", "ChatGPT-User"}, {"OAI-SearchBot", "OAI-SearchBot"},
	{"ClaudeBot", "ClaudeBot"}, {"Claude-User", "Claude-User"}, {"Claude-SearchBot", "Claude-SearchBot"},
	{"PerplexityBot", "PerplexityBot"}, {"Perplexity-User", "Perplexity-User"},
	{"bingbot", "bingbot"}, {"BingPreview", "BingPreview"}, {"AdIdxBot", "AdIdxBot"},
	{"Amazonbot", "Amazonbot"}, {"Applebot", "Applebot"}, {"Bytespider", "Bytespider"}, {"CCBot", "CCBot"},
	{"facebookexternalhit", "facebookexternalhit"}, {"meta-externalagent", "meta-externalagent"}, {"FacebookBot", "FacebookBot"},
	{"AhrefsBot", "AhrefsBot"}, {"SemrushBot", "SemrushBot"}, {"MJ12bot", "MJ12bot"}, {"DotBot", "DotBot"}, {"PetalBot", "PetalBot"},
	{"DuckDuckBot", "DuckDuckBot"}, {"DuckAssistBot", "DuckAssistBot"}, {"Baiduspider", "Baiduspider"}, {"YandexBot", "YandexBot"},
	{"Sogou web spider", "Sogou"}, {"SeznamBot", "SeznamBot"}, {"Qwantbot", "Qwantbot"}, {"MojeekBot", "MojeekBot"},
	{"Slackbot-LinkExpanding", "Slackbot-LinkExpanding"}, {"Slackbot", "Slackbot"}, {"Twitterbot", "Twitterbot"},
	{"LinkedInBot", "LinkedInBot"}, {"Discordbot", "Discordbot"}, {"TelegramBot", "TelegramBot"}, {"Pinterestbot", "Pinterestbot"},
	{"UptimeRobot", "UptimeRobot"}, {"Pingdom", "Pingdom"}, {"StatusCake", "StatusCake"}, {"Better Uptime", "Better Uptime"},
	{"HeadlessChrome", "HeadlessChrome"}, {"PhantomJS", "PhantomJS"}, {"Chrome-Lighthouse", "Lighthouse"},
	{"archive.org_bot", "archive.org_bot"}, {"ia_archiver", "ia_archiver"},
	{"bot/", "Other"}, {"Bot/", "Other"}, {"spider", "Other"}, {"crawler", "Other"}, {"Crawler", "Other"},
}

// tools name themselves first.
var tools = []product{
	{"curl", "curl"}, {"Wget", "Wget"}, {"Go-http-client", "Go-http-client"}, {"python-requests", "Python Requests"},
	{"Python-urllib", "Python urllib"}, {"aiohttp", "aiohttp"}, {"python-httpx", "httpx"}, {"okhttp", "okhttp"},
	{"Apache-HttpClient", "Apache-HttpClient"}, {"Java/", "Java"}, {"axios", "axios"}, {"node-fetch", "node-fetch"},
	{"undici", "undici"}, {"PostmanRuntime", "Postman"}, {"insomnia", "Insomnia"}, {"HTTPie", "HTTPie"},
	{"libwww-perl", "libwww-perl"}, {"Ruby", "Ruby"}, {"GuzzleHttp", "Guzzle"}, {"Dart", "Dart"}, {"k6", "k6"},
	{"kube-probe", "kube-probe"}, {"ELB-HealthChecker", "ELB-HealthChecker"}, {"GoogleHC", "GoogleHC"}, {"Prometheus", "Prometheus"},
}

// browser is a rule: the first whose token stands in the field, together with
// also and without not, names the browser. Its version stands behind version,
// or behind the token; "-" means that it has none.
type browser struct {
	token, name, also, not, version string
}

var browsers = []browser{
	{token: "Opera Mini", name: "Opera Mini"},
	{token: "OPiOS", name: "Opera Mini"},
	{token: "Opera Mobi", name: "Opera", version: "Version"},
	{token: "OPR", name: "Opera", also: "Chrome/"},
	{token: "OPT/", name: "Opera", also: "iPhone"},
	{token: "Opera/", name: "Opera", version: "Version"},
	{token: "EdgiOS", name: "Edge"},
	{token: "EdgA", name: "Edge"},
	{token: "Edge/", name: "Edge"},
	{token: "Edg/", name: "Edge"},
	{token: "SamsungBrowser", name: "Samsung Internet"},
	{token: "YaBrowser", name: "Yandex Browser"},
	{token: "Vivaldi", name: "Vivaldi"},
	{token: "UCBrowser", name: "UC Browser"},
	{token: "DuckDuckGo", name: "DuckDuckGo"},
	{token: "Ddg/", name: "DuckDuckGo"},
	{token: "Instagram ", name: "Instagram"},
	{token: "[FBAN", name: "Facebook", version: "FBAV"},
	{token: "CriOS", name: "Chrome"},
	{token: "FxiOS", name: "Firefox"},
	{token: "Focus/", name: "Firefox", also: "iPhone"},
	{token: "MSIE ", name: "IE", not: "Trident/7"},
	{token: "Trident/", name: "IE", version: "rv:"},
	{token: "Firefox", name: "Firefox"},
	{token: "; wv)", name: "Chrome WebView", also: "Chrome/", version: "Chrome"},
	{token: "Chrome/", name: "Chrome"},
	{token: "Chromium/", name: "Chrome"},
	{token: "Android", name: "Android Browser", also: "Safari/", version: "Version"},
	{token: "Version/", name: "Safari", also: "Safari/"},
	{token: "Safari/", name: "Safari", also: "AppleWebKit", version: "-"},
	{token: "AppleWebKit", name: "WKWebView", also: "Mobile/", version: "-"},
}

// platform is a rule like that of a browser.
type platform struct {
	token, also, not, os, device string
}

var platforms = []platform{
	{token: "Windows Phone", os: "Windows Phone", device: "mobile"},
	{token: "iPad", os: "iOS", device: "tablet"},
	{token: "iPhone", os: "iOS", device: "mobile"},
	{token: "iPod", os: "iOS", device: "mobile"},
	{token: "Android", also: "Mobile", os: "Android", device: "mobile"},
	{token: "Android", not: "Mozilla/", os: "Android", device: "mobile"},
	{token: "Mozilla/5.0 (Linux; U; Android 2", os: "Android", device: "mobile"},
	{token: "Mozilla/5.0 (Linux; U; Android 1", os: "Android", device: "mobile"},
	{token: "Android", os: "Android", device: "tablet"},
	{token: "Windows NT", os: "Windows", device: "desktop"},
	{token: "Windows 9", os: "Windows", device: "desktop"},
	{token: "Win98", os: "Windows", device: "desktop"},
	{token: "WOW64", os: "Windows", device: "desktop"},
	{token: "CrOS", os: "ChromeOS", device: "desktop"},
	{token: "Macintosh", os: "macOS", device: "desktop"},
	{token: "SymbOS", os: "Symbian", device: "mobile"},
	{token: "Symbian", os: "Symbian", device: "mobile"},
	{token: "FreeBSD", os: "FreeBSD", device: "desktop"},
	{token: "(Mobile; rv:", os: "Firefox OS", device: "mobile"},
	{token: "(Tablet; rv:", os: "Firefox OS", device: "tablet"},
	{token: "Linux", os: "Linux", device: "desktop"},
	{token: "X11", os: "Linux", device: "desktop"},
}
