// TCP and UDP services without a reload. Debian has no Lua for nginx's stream side, so this is njs:
// the controller sends the services as JSON to the stream port; every session reads its peers from there.
import fs from 'fs';

const FILE = '/tmp/nginx/stream-backends.json';

// Preread handler of the stream port: the payload ends with CR LF.
function receive(s) {
    s.on('upload', function (received) { // all that came so far, not only the newest part
        if (!received.endsWith('\r\n')) {
            return;
        }
        const fresh = FILE + '.' + s.variables.pid + '.' + s.variables.connection;
        fs.writeFileSync(fresh, received);
        fs.renameSync(fresh, FILE);
        s.done();
    });
}

// "address:port" of one endpoint of the server's service; "" (nginx then ends the session) if it has none.
function peer(s) {
    const name = s.variables.proxy_upstream_name;
    let backends;
    try {
        backends = JSON.parse(fs.readFileSync(FILE, 'utf8'));
    } catch (e) {
        return '';
    }
    const backend = backends.find(function (candidate) { return candidate.name === name; });
    if (!backend || !backend.endpoints || backend.endpoints.length === 0) {
        return '';
    }
    const endpoint = backend.endpoints[Math.floor(Math.random() * backend.endpoints.length)];
    const host = endpoint.address.includes(':') ? '[' + endpoint.address + ']' : endpoint.address;
    return host + ':' + endpoint.port;
}

export default { receive, peer };
