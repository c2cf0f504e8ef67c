/** How scenarios are written: requests as curl arguments, and a scenario as a capture with what a rule must say of it. */
export const post = (path, body, type = 'application/json', ...more) => [path, '-X', 'POST', '-H', `Content-Type: ${type}`, ...more, '--data-binary', body];
export const form = (path, body, ...more) => post(path, body, 'application/x-www-form-urlencoded', ...more);
export const xml = (path, body, ...more) => post(path, body, 'text/xml', ...more);
export const upload = (path, filename, content, field = 'file', ...more) => post(path,
  `------b7MA4\r\nContent-Disposition: form-data; name="${field}"; filename="${filename}"\r\nContent-Type: application/octet-stream\r\n\r\n${content}\r\n------b7MA4--\r\n`, 'multipart/form-data; boundary=----b7MA4', ...more);

/** Scenarios of the rule in `folder`: `hit(name, verdict, …)` and `miss(name, …)`; misses come from a colleague inside. */
export function of(folder, defaults = {}) {
  const scenario = (name, verdict, made, answer, requests, more) => ({ file: `${folder}/${name}.pcap`, verdict, made: `Stand-in server; ${made}`, answer, requests, ...defaults, ...more });
  return {
    hit: (name, verdict, made, answer, requests, more) => scenario(name, verdict, made, answer, requests, more),
    miss: (name, made, answer, requests, more) => scenario(`miss-${name}`, 'miss', made, answer, requests, { client: '10.42.3.57', ...more }),
  };
}

export const ID = 'uid=0(root) gid=0(root) groups=0(root)\n';
export const PASSWD = 'root:x:0:0:root:/root:/bin/bash\nbin:x:1:1:bin:/bin:/sbin/nologin\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n';
/** A serialisation stream that names these classes; nothing in it runs. */
export function serialized(...classes) {
  const parts = [Buffer.from('aced00057372', 'hex')];
  classes.forEach((name, i) => {
    if (i > 0) parts.push(Buffer.from('7372', 'hex'));
    parts.push(Buffer.from([name.length >> 8, name.length & 255]), Buffer.from(name), Buffer.from('3a1f0c22917be4d502000149000473697a65787000000001', 'hex'));
  });
  return Buffer.concat(parts);
}
