/** A recorded call of each route, shortened; written by `SW_WRITE=1` of openapi.test.ts. */
export const EXAMPLES: Readonly<Record<string, { status: number; body?: unknown; answer?: unknown }>> = {
 "GET /healthz": {
  "status": 200,
  "answer": {
   "status": "ok",
   "bus": "connected",
   "store": true
  }
 },
 "GET /api/session": {
  "status": 200,
  "answer": {
   "setupRequired": false,
   "separation": "appliance",
   "version": "0.1.0",
   "demo": false,
   "passwordPolicy": {
    "minLength": 10,
    "classes": 3,
    "maxAgeDays": 0,
    "history": 5
   },
   "permissions": [
    "overview.read",
    "alert.read"
   ],
   "user": {
    "id": "u-ana",
    "account": "ana",
    "name": "ana",
    "roles": [
     "analyst"
    ],
    "disabled": false,
    "totp": false,
    "createdAt": "2026-11-23T11:21:22.816Z",
    "lastLoginAt": "2026-11-23T11:21:23.052Z"
   },
   "csrf": "…",
   "expiresAt": "2026-11-23T23:21:23.047Z",
   "mustChangePassword": false,
   "unreadNotices": 0
  }
 },
 "GET /api/sessions": {
  "status": 200,
  "answer": [
   {
    "id": "9d1eb6afae036d30151c6e05327e7e55de5adf4f7ddbc01c6342210abebd390b",
    "current": true,
    "createdAt": "2026-11-23T11:21:23.047Z",
    "lastSeenAt": "2026-11-23T11:21:23.047Z",
    "expiresAt": "2026-11-23T23:21:23.047Z",
    "address": "127.0.0.1",
    "agent": "lightMyRequest"
   }
  ]
 },
 "GET /api/alerts": {
  "status": 200,
  "answer": {
   "items": [
    {
     "id": "e-2",
     "revision": 1,
     "seq": 2,
     "rule": "port-scan",
     "title": {
      "zh": "端口扫描告警",
      "en": "Port scan alert"
     },
     "severity": "high",
     "verdict": "attempted",
     "class": "port_scan",
     "phase": "reconnaissance",
     "attacker": {
      "ip": "203.0.113.9",
      "port": 4242
     },
     "victim": {
      "ip": "10.1.2.4",
      "unit": {
       "id": "wuhan",
       "zh": "武汉市",
       "en": "Wuhan"
      },
      "system": {
       "id": "whoa",
       "zh": "武汉协同办公",
       "en": "Wuhan office"
      }
     },
     "proto": "TCP",
     "appProto": "http",
     "node": "node-1",
     "firstSeen": "2026-11-23T11:21:23.810Z",
     "lastSeen": "2026-11-23T11:21:23.810Z",
     "count": 1,
     "incident": "inc-3a86a1bf8eeda6e7",
     "demo": false
    },
    {
     "id": "e-1",
     "revision": 1,
     "seq": 1,
     "rule": "sqli-union",
     "title": {
      "zh": "SQL 注入告警",
      "en": "SQL injection alert"
     },
     "severity": "high",
     "verdict": "succeeded",
     "class": "sql_injection",
     "phase": "access",
     "attacker": {
      "ip": "203.0.113.9",
      "port": 4242
     },
     "victim": {
      "ip": "10.1.2.3",
      "port": 80,
      "unit": {
       "id": "wuhan",
       "zh": "武汉市",
       "en": "Wuhan"
      },
      "system": {
       "id": "whoa",
       "zh": "武汉协同办公",
       "en": "Wuhan office"
      }
     },
     "proto": "TCP",
     "appProto": "http",
     "node": "node-1",
     "firstSeen": "2026-11-23T11:21:23.802Z",
     "lastSeen": "2026-11-23T11:21:23.802Z",
     "count": 1,
     "incident": "inc-14050facfbf3e793",
     "demo": false
    }
   ]
  }
 },
 "GET /api/alerts/counts": {
  "status": 200,
  "answer": {
   "total": 2,
   "capped": false,
   "bySeverity": {
    "high": 2
   },
   "byVerdict": {
    "attempted": 1,
    "succeeded": 1
   },
   "byClass": {
    "port_scan": 1,
    "sql_injection": 1
   },
   "byUnit": [
    {
     "unit": {
      "id": "wuhan",
      "zh": "武汉市",
      "en": "Wuhan"
     },
     "count": 2
    }
   ]
  }
 },
 "GET /api/incidents": {
  "status": 200,
  "answer": {
   "items": [
    {
     "id": "inc-14050facfbf3e793",
     "version": 1,
     "state": "new",
     "title": {
      "zh": "203.0.113.9 对 10.1.2.3 的SQL 注入（已得手）",
      "en": "203.0.113.9 against 10.1.2.3: sql injection (succeeded)"
     },
     "severity": "high",
     "verdict": "succeeded",
     "level": 3,
     "rank": 13315,
     "attacker": {
      "ip": "203.0.113.9"
     },
     "victim": {
      "ip": "10.1.2.3",
      "unit": {
       "id": "wuhan",
       "zh": "武汉市",
       "en": "Wuhan"
      },
      "system": {
       "id": "whoa",
       "zh": "武汉协同办公",
       "en": "Wuhan office"
      }
     },
     "phases": [
      "access"
     ],
     "classes": [
      "sql_injection"
     ],
     "techniques": [
      "T1190"
     ],
     "alerts": 1,
     "events": 1,
     "firstSeen": "2026-11-23T11:21:23.802Z",
     "lastSeen": "2026-11-23T11:21:23.802Z",
     "escalated": false,
     "reopened": 0,
     "campaign": {
      "id": "inc-14050facfbf3e793",
      "incidents": 2,
      "victims": 2
     },
     "tickets": 0,
     "demo": false
    },
    {
     "id": "inc-3a86a1bf8eeda6e7",
     "version": 1,
     "state": "new",
     "title": {
      "zh": "203.0.113.9 对 10.1.2.4 的端口扫描",
      "en": "203.0.113.9 against 10.1.2.4: port scan"
     },
     "severity": "high",
     "verdict": "attempted",
     "level": 3,
     "rank": 3315,
     "attacker": {
      "ip": "203.0.113.9"
     },
     "victim": {
      "ip": "10.1.2.4",
      "unit": {
       "id": "wuhan",
       "zh": "武汉市",
       "en": "Wuhan"
      },
      "system": {
       "id": "whoa",
       "zh": "武汉协同办公",
       "en": "Wuhan office"
      }
     },
     "phases": [
      "reconnaissance"
     ],
     "classes": [
      "port_scan"
     ],
     "techniques": [
      "T1190"
     ],
     "alerts": 1,
     "events": 1,
     "firstSeen": "2026-11-23T11:21:23.810Z",
     "lastSeen": "2026-11-23T11:21:23.810Z",
     "escalated": false,
     "reopened": 0,
     "campaign": {
      "id": "inc-14050facfbf3e793",
      "incidents": 2,
      "victims": 2
     },
     "tickets": 0,
     "demo": false
    }
   ]
  }
 },
 "GET /api/incidents/counts": {
  "status": 200,
  "answer": {
   "total": 2,
   "capped": false,
   "byState": {
    "new": 2
   },
   "bySeverity": {
    "high": 2
   },
   "byVerdict": {
    "attempted": 1,
    "succeeded": 1
   }
  }
 },
 "GET /api/overview": {
  "status": 200,
  "answer": {
   "from": "2026-11-22T11:21:24.349Z",
   "to": "2026-11-23T11:21:24.349Z",
   "interval": 300000,
   "alerts": {
    "total": 2,
    "bySeverity": {
     "high": 2
    },
    "byVerdict": {
     "attempted": 1,
     "succeeded": 1
    }
   },
   "incidents": {
    "open": 2,
    "byState": {
     "new": 2
    },
    "bySeverity": {
     "high": 2
    }
   },
   "tickets": {
    "open": 0,
    "overdue": 0,
    "dueSoon": 0
   },
   "nodes": {
    "total": 2,
    "up": 2,
    "degraded": 0
   },
   "traffic": {
    "bits": [],
    "packets": []
   },
   "alertSeries": [
    {
     "tags": {
      "severity": "high"
     },
     "values": [
      [
       1795346400000,
       0
      ],
      [
       1795346700000,
       0
      ]
     ]
    }
   ],
   "topClasses": [
    {
     "class": "port_scan",
     "count": 1
    },
    {
     "class": "sql_injection",
     "count": 1
    }
   ],
   "topAttackers": [
    {
     "ip": "203.0.113.9",
     "count": 2,
     "severity": "high"
    }
   ],
   "topVictims": [
    {
     "ip": "10.1.2.3",
     "count": 1,
     "severity": "high",
     "unit": {
      "id": "wuhan",
      "zh": "武汉市",
      "en": "Wuhan"
     },
     "system": {
      "id": "whoa",
      "zh": "武汉协同办公",
      "en": "Wuhan office"
     }
    },
    {
     "ip": "10.1.2.4",
     "count": 1,
     "severity": "high",
     "unit": {
      "id": "wuhan",
      "zh": "武汉市",
      "en": "Wuhan"
     },
     "system": {
      "id": "whoa",
      "zh": "武汉协同办公",
      "en": "Wuhan office"
     }
    }
   ],
   "topUnits": [
    {
     "unit": {
      "id": "wuhan",
      "zh": "武汉市",
      "en": "Wuhan"
     },
     "count": 2
    }
   ],
   "metricsUp": true
  }
 },
 "GET /api/nodes": {
  "status": 200,
  "answer": [
   {
    "role": "collector",
    "id": "exit-1",
    "unit": "wuhan",
    "version": "1.0",
    "state": "running",
    "reasons": [],
    "startedAt": "2026-11-23T11:21:23.822Z",
    "at": "2026-11-23T11:21:23.822Z",
    "counters": {
     "packets": 1
    },
    "gauges": {},
    "silent": false,
    "lastSeen": "2026-11-23T11:21:23.822Z",
    "unitName": {
     "id": "wuhan",
     "zh": "武汉市",
     "en": "Wuhan"
    }
   },
   {
    "role": "console",
    "id": "console",
    "version": "0.1.0",
    "startedAt": "2026-11-23T11:21:22.642Z",
    "at": "2026-11-23T11:21:22.687Z",
    "reasons": [],
    "counters": {
     "alerts": 0,
     "stale": 0,
     "malformed": 0,
     "evidence": 0,
     "damaged": 0,
     "refused": 0,
     "retries": 0,
     "listeners": 0
    },
    "state": "running",
    "gauges": {
     "memoryBytes": 409247744
    },
    "silent": false,
    "lastSeen": "2026-11-23T11:21:22.690Z"
   }
  ]
 },
 "GET /api/rules": {
  "status": 200,
  "answer": [
   {
    "id": "frp",
    "sid": 1004701,
    "rev": 1,
    "title": {
     "zh": "frp 内网穿透",
     "en": "frp reverse proxy"
    },
    "severity": "medium",
    "class": "tunnel",
    "phase": "command_and_control",
    "techniques": [
     "T1572",
     "T1090"
    ],
    "references": [],
    "enabled": true,
    "hits24h": 0
   },
   {
    "id": "frp-tls",
    "sid": 1004702,
    "rev": 1,
    "title": {
     "zh": "frp 加密内网穿透",
     "en": "frp under TLS"
    },
    "severity": "high",
    "class": "tunnel",
    "phase": "command_and_control",
    "techniques": [
     "T1572",
     "T1090"
    ],
    "references": [],
    "enabled": true,
    "hits24h": 0
   }
  ]
 },
 "GET /api/coverage": {
  "status": 200,
  "answer": {
   "rules": 10,
   "titles": {
    "chisel": {
     "zh": "chisel 隧道",
     "en": "chisel tunnel"
    },
    "dnscat2": {
     "zh": "dnscat2 隧道",
     "en": "dnscat2 tunnel"
    },
    "frp": {
     "zh": "frp 内网穿透",
     "en": "frp reverse proxy"
    },
    "frp-tls": {
     "zh": "frp 加密内网穿透",
     "en": "frp under TLS"
    },
    "nps": {
     "zh": "nps 内网穿透",
     "en": "nps reverse proxy"
    },
    "rdp-odd-port": {
     "zh": "非标准端口上的远程桌面",
     "en": "Remote desktop on an odd port"
    },
    "reverse-socks": {
     "zh": "反向 SOCKS 代理",
     "en": "Reverse SOCKS proxy"
    },
    "socks-odd-port": {
     "zh": "非标准端口上的 SOCKS 代理",
     "en": "SOCKS on an odd port"
    },
    "ssh-odd-port": {
     "zh": "非标准端口上的 SSH",
     "en": "SSH on an odd port"
    },
    "venom": {
     "zh": "Venom 多级代理",
     "en": "Venom multi-hop proxy"
    }
   },
   "techniques": [
    {
     "id": "T1021",
     "rules": [
      "rdp-odd-port",
      "ssh-odd-port"
     ],
     "hits24h": 0,
     "severity": "low"
    },
    {
     "id": "T1021.001",
     "rules": [
      "rdp-odd-port"
     ],
     "hits24h": 0,
     "severity": "low"
    }
   ],
   "vulnerabilities": [],
   "phases": [
    {
     "phase": "reconnaissance",
     "rules": [],
     "hits24h": 0,
     "severity": "info",
     "classes": [
      {
       "class": "port_scan",
       "rules": [],
       "hits24h": 0,
       "severity": "info"
      },
      {
       "class": "host_sweep",
       "rules": [],
       "hits24h": 0,
       "severity": "info"
      }
     ]
    },
    {
     "phase": "access",
     "rules": [],
     "hits24h": 0,
     "severity": "info",
     "classes": [
      {
       "class": "brute_force",
       "rules": [],
       "hits24h": 0,
       "severity": "info"
      },
      {
       "class": "password_spray",
       "rules": [],
       "hits24h": 0,
       "severity": "info"
      }
     ]
    }
   ]
  }
 },
 "GET /api/registry": {
  "status": 200,
  "answer": {
   "registry": {
    "units": [
     {
      "id": "hubei",
      "zh": "湖北省",
      "en": "Hubei",
      "kind": "province"
     },
     {
      "id": "wuhan",
      "zh": "武汉市",
      "en": "Wuhan",
      "parent": "hubei",
      "kind": "city"
     }
    ],
    "systems": [
     {
      "id": "whoa",
      "zh": "武汉协同办公",
      "en": "Wuhan office",
      "unit": "wuhan",
      "ranges": [
       "10.1.0.0/16"
      ],
      "value": "high"
     },
     {
      "id": "jhweb",
      "zh": "江汉门户",
      "en": "Jianghan portal",
      "unit": "jianghan",
      "ranges": [
       "10.1.9.0/24"
      ]
     }
    ]
   },
   "version": 1,
   "changedAt": "2026-11-23T11:21:22.695Z"
  }
 },
 "GET /api/account": {
  "status": 200,
  "answer": {
   "totp": false,
   "recoveryCodesLeft": 0,
   "tokens": [],
   "oidc": false,
   "passwordChangedAt": "2026-11-23T11:21:22.816Z"
  }
 },
 "GET /api/assignees": {
  "status": 200,
  "answer": [
   {
    "id": "u-ana",
    "account": "ana",
    "name": "ana"
   },
   {
    "id": "u-ben",
    "account": "ben",
    "name": "ben"
   }
  ]
 },
 "GET /api/signing-key": {
  "status": 200,
  "answer": {
   "keyId": "40f6212d8d03d152e95b329194ec1e12",
   "publicKey": "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEABrwfI7jMJ2nUEIWvN+2sNNf75O0ROR8bzauXwGie0yM=\n-----END PUBLIC KEY-----\n",
   "algorithm": "ed25519"
  }
 },
 "GET /api/settings/remediation": {
  "status": 200,
  "answer": {
   "settings": {
    "number": "网安通〔{year}〕{seq}号",
    "series": "year",
    "head": "网络安全监测通报",
    "issuer": "网络安全监测中心",
    "deadlines": {
     "1": {
      "acknowledge": 15,
      "contain": 60,
      "rectify": 1440
     },
     "2": {
      "acknowledge": 30,
      "contain": 240,
      "rectify": 4320
     },
     "3": {
      "acknowledge": 240,
      "contain": 1440,
      "rectify": 10080
     },
     "4": {
      "acknowledge": 1440,
      "contain": 4320,
      "rectify": 20160
     }
    },
    "workingTime": {
     "1": false,
     "2": false,
     "3": false,
     "4": false
    },
    "calendar": {
     "from": 540,
     "to": 1020,
     "offset": 480,
     "weekdays": [
      1,
      2
     ],
     "holidays": [],
     "workdays": []
    },
    "escalation": {
     "remindAt": 75,
     "superviseAfter": 0
    }
   },
   "version": 0
  }
 },
 "GET /api/indicators/stix": {
  "status": 200
 },
 "GET /api/openapi.json": {
  "status": 200
 },
 "GET /api/alerts/:id": {
  "status": 200,
  "answer": {
   "id": "e-1",
   "revision": 1,
   "seq": 1,
   "rule": "sqli-union",
   "title": {
    "zh": "SQL 注入告警",
    "en": "SQL injection alert"
   },
   "severity": "high",
   "verdict": "succeeded",
   "class": "sql_injection",
   "phase": "access",
   "attacker": {
    "ip": "203.0.113.9",
    "port": 4242
   },
   "victim": {
    "ip": "10.1.2.3",
    "port": 80,
    "unit": {
     "id": "wuhan",
     "zh": "武汉市",
     "en": "Wuhan"
    },
    "system": {
     "id": "whoa",
     "zh": "武汉协同办公",
     "en": "Wuhan office"
    }
   },
   "proto": "TCP",
   "appProto": "http",
   "node": "node-1",
   "firstSeen": "2026-11-23T11:21:23.802Z",
   "lastSeen": "2026-11-23T11:21:23.802Z",
   "count": 1,
   "incident": "inc-14050facfbf3e793",
   "demo": false,
   "because": {
    "zh": "原因",
    "en": "why"
   },
   "techniques": [
    "T1190"
   ],
   "references": [
    "CVE-2019-0001"
   ],
   "gb2007": "NAI/VAI",
   "gb2023": "2 网络攻击/漏洞利用",
   "className": {
    "zh": "SQL 注入",
    "en": "SQL injection"
   },
   "matched": [],
   "evidence": [
    {
     "id": "ev-1",
     "sha256": "efd506057fe61488c7f7d96aa2ffb7f47127d0c7e0abe1032ae7de8665d5ca7a",
     "bytes": 112,
     "packets": 1,
     "sm3": "cfc2d8de5c25660d66c8c01d70645a5e37e991d1c3ba872f630426b589b7409c",
     "state": "stored",
     "storedAt": "2026-11-23T11:21:23.830Z",
     "href": "/api/evidence/ev-1"
    }
   ],
   "http": {
    "method": "GET",
    "url": "/login?id=1",
    "host": "oa.example.gov.cn",
    "status": 200,
    "requestHeaders": [
     {
      "name": "User-Agent",
      "value": "sqlmap/1.3"
     }
    ],
    "responseHeaders": []
   },
   "incidentSummary": {
    "id": "inc-14050facfbf3e793",
    "state": "new",
    "title": {
     "zh": "203.0.113.9 对 10.1.2.3 的SQL 注入（已得手）",
     "en": "203.0.113.9 against 10.1.2.3: sql injection (succeeded)"
    }
   },
   "receivedAt": "2026-11-23T11:21:23.861Z",
   "eve": {
    "timestamp": "2026-11-23T11:21:23.802Z",
    "event_type": "alert",
    "src_ip": "203.0.113.9",
    "dest_ip": "10.1.2.3",
    "proto": "TCP",
    "app_proto": "http",
    "host": "node-1",
    "alert": {
     "action": "allowed",
     "gid": 1,
     "signature_id": 1,
     "rev": 1,
     "signature": "s",
     "category": "c",
     "severity": 1
    },
    "http": {
     "hostname": "oa.example.gov.cn",
     "url": "/login?id=1",
     "http_method": "GET",
     "status": 200,
     "http_user_agent": "sqlmap/1.3"
    },
    "shouwang": {
     "revision": 1,
     "rule": "sqli-union",
     "title": {
      "zh": "SQL 注入告警",
      "en": "SQL injection alert"
     },
     "severity": "high",
     "class": "sql_injection",
     "gb2007": "NAI/VAI",
     "gb2023": "2 网络攻击/漏洞利用",
     "phase": "access",
     "verdict": "succeeded",
     "because": {
      "zh": "原因",
      "en": "why"
     },
     "attacker": {
      "ip": "203.0.113.9",
      "port": 4242
     },
     "victim": {
      "ip": "10.1.2.3",
      "port": 80
     },
     "techniques": [
      "T1190"
     ],
     "references": [
      "CVE-2019-0001"
     ],
     "first_seen": "2026-11-23T11:21:23.802Z",
     "last_seen": "2026-11-23T11:21:23.802Z",
     "count": 1,
     "matched": [],
     "evidence": [
      {
       "id": "ev-1",
       "sha256": "efd506057fe61488c7f7d96aa2ffb7f47127d0c7e0abe1032ae7de8665d5ca7a",
       "bytes": 112,
       "packets": 1
      }
     ],
     "node": "node-1",
     "id": "e-1"
    }
   }
  }
 },
 "GET /api/evidence/:id": {
  "status": 200
 },
 "GET /api/evidence/:id/packets": {
  "status": 200,
  "answer": {
   "packets": [
    {
     "number": 1,
     "at": "2019-06-08T13:20:00.000Z",
     "since": 0,
     "source": "203.0.113.9",
     "destination": "10.1.2.3",
     "protocol": "HTTP",
     "bytes": 72,
     "info": "GET / HTTP/1.0",
     "stream": 0
    }
   ],
   "total": 1,
   "cut": false,
   "conversations": [
    {
     "stream": 0,
     "protocol": "HTTP",
     "client": "203.0.113.9:12345",
     "server": "10.1.2.3:80",
     "packets": 1,
     "bytes": 72,
     "firstAt": "2019-06-08T13:20:00.000Z",
     "lastAt": "2019-06-08T13:20:00.000Z"
    }
   ]
  }
 },
 "GET /api/evidence/:id/packets/:number": {
  "status": 200,
  "answer": {
   "number": 1,
   "at": "2019-06-08T13:20:00.000Z",
   "since": 0,
   "source": "203.0.113.9",
   "destination": "10.1.2.3",
   "protocol": "HTTP",
   "bytes": 72,
   "info": "GET / HTTP/1.0",
   "stream": 0,
   "layers": [
    {
     "name": "eth",
     "title": "Ethernet II",
     "offset": 0,
     "length": 14,
     "fields": [
      {
       "name": "destination",
       "value": "ff:ff:ff:ff:ff:ff",
       "offset": 0,
       "length": 6
      },
      {
       "name": "source",
       "value": "02:00:00:00:00:01",
       "offset": 6,
       "length": 6
      }
     ]
    },
    {
     "name": "ipv4",
     "title": "IPv4",
     "offset": 14,
     "length": 20,
     "fields": [
      {
       "name": "total length",
       "value": "58",
       "offset": 16,
       "length": 2
      },
      {
       "name": "identification",
       "value": "0x0001",
       "offset": 18,
       "length": 2
      }
     ]
    }
   ],
   "data": "…",
   "wireBytes": 72
  }
 },
 "GET /api/evidence/:id/stream": {
  "status": 200,
  "answer": {
   "stream": 0,
   "protocol": "HTTP",
   "client": "203.0.113.9:12345",
   "server": "10.1.2.3:80",
   "pieces": [
    {
     "from": "client",
     "at": "2019-06-08T13:20:00.000Z",
     "bytes": 18,
     "data": "…",
     "printable": "GET / HTTP/1.0\r\n\r\n",
     "gap": 0
    }
   ],
   "clientBytes": 18,
   "serverBytes": 0,
   "cut": false
  }
 },
 "GET /api/search": {
  "status": 200,
  "answer": {
   "alerts": [
    {
     "id": "e-2",
     "revision": 1,
     "seq": 2,
     "rule": "port-scan",
     "title": {
      "zh": "端口扫描告警",
      "en": "Port scan alert"
     },
     "severity": "high",
     "verdict": "attempted",
     "class": "port_scan",
     "phase": "reconnaissance",
     "attacker": {
      "ip": "203.0.113.9",
      "port": 4242
     },
     "victim": {
      "ip": "10.1.2.4",
      "unit": {
       "id": "wuhan",
       "zh": "武汉市",
       "en": "Wuhan"
      },
      "system": {
       "id": "whoa",
       "zh": "武汉协同办公",
       "en": "Wuhan office"
      }
     },
     "proto": "TCP",
     "appProto": "http",
     "node": "node-1",
     "firstSeen": "2026-11-23T11:21:23.810Z",
     "lastSeen": "2026-11-23T11:21:23.810Z",
     "count": 1,
     "incident": "inc-3a86a1bf8eeda6e7",
     "demo": false
    },
    {
     "id": "e-1",
     "revision": 1,
     "seq": 1,
     "rule": "sqli-union",
     "title": {
      "zh": "SQL 注入告警",
      "en": "SQL injection alert"
     },
     "severity": "high",
     "verdict": "succeeded",
     "class": "sql_injection",
     "phase": "access",
     "attacker": {
      "ip": "203.0.113.9",
      "port": 4242
     },
     "victim": {
      "ip": "10.1.2.3",
      "port": 80,
      "unit": {
       "id": "wuhan",
       "zh": "武汉市",
       "en": "Wuhan"
      },
      "system": {
       "id": "whoa",
       "zh": "武汉协同办公",
       "en": "Wuhan office"
      }
     },
     "proto": "TCP",
     "appProto": "http",
     "node": "node-1",
     "firstSeen": "2026-11-23T11:21:23.802Z",
     "lastSeen": "2026-11-23T11:21:23.802Z",
     "count": 1,
     "incident": "inc-14050facfbf3e793",
     "demo": false
    }
   ],
   "incidents": [
    {
     "id": "inc-14050facfbf3e793",
     "version": 1,
     "state": "new",
     "title": {
      "zh": "203.0.113.9 对 10.1.2.3 的SQL 注入（已得手）",
      "en": "203.0.113.9 against 10.1.2.3: sql injection (succeeded)"
     },
     "severity": "high",
     "verdict": "succeeded",
     "level": 3,
     "rank": 13315,
     "attacker": {
      "ip": "203.0.113.9"
     },
     "victim": {
      "ip": "10.1.2.3",
      "unit": {
       "id": "wuhan",
       "zh": "武汉市",
       "en": "Wuhan"
      },
      "system": {
       "id": "whoa",
       "zh": "武汉协同办公",
       "en": "Wuhan office"
      }
     },
     "phases": [
      "access"
     ],
     "classes": [
      "sql_injection"
     ],
     "techniques": [
      "T1190"
     ],
     "alerts": 1,
     "events": 1,
     "firstSeen": "2026-11-23T11:21:23.802Z",
     "lastSeen": "2026-11-23T11:21:23.802Z",
     "escalated": false,
     "reopened": 0,
     "campaign": {
      "id": "inc-14050facfbf3e793",
      "incidents": 2,
      "victims": 2
     },
     "tickets": 0,
     "demo": false
    },
    {
     "id": "inc-3a86a1bf8eeda6e7",
     "version": 1,
     "state": "new",
     "title": {
      "zh": "203.0.113.9 对 10.1.2.4 的端口扫描",
      "en": "203.0.113.9 against 10.1.2.4: port scan"
     },
     "severity": "high",
     "verdict": "attempted",
     "level": 3,
     "rank": 3315,
     "attacker": {
      "ip": "203.0.113.9"
     },
     "victim": {
      "ip": "10.1.2.4",
      "unit": {
       "id": "wuhan",
       "zh": "武汉市",
       "en": "Wuhan"
      },
      "system": {
       "id": "whoa",
       "zh": "武汉协同办公",
       "en": "Wuhan office"
      }
     },
     "phases": [
      "reconnaissance"
     ],
     "classes": [
      "port_scan"
     ],
     "techniques": [
      "T1190"
     ],
     "alerts": 1,
     "events": 1,
     "firstSeen": "2026-11-23T11:21:23.810Z",
     "lastSeen": "2026-11-23T11:21:23.810Z",
     "escalated": false,
     "reopened": 0,
     "campaign": {
      "id": "inc-14050facfbf3e793",
      "incidents": 2,
      "victims": 2
     },
     "tickets": 0,
     "demo": false
    }
   ],
   "tickets": [],
   "rules": [],
   "systems": [],
   "units": []
  }
 },
 "GET /api/series": {
  "status": 200,
  "answer": {
   "series": [
    {
     "tags": {
      "severity": "high"
     },
     "values": [
      [
       1795432860000,
       2
      ]
     ]
    }
   ],
   "up": true
  }
 },
 "GET /api/rules/:id": {
  "status": 200,
  "answer": {
   "id": "frp",
   "sid": 1004701,
   "rev": 1,
   "title": {
    "zh": "frp 内网穿透",
    "en": "frp reverse proxy"
   },
   "severity": "medium",
   "class": "tunnel",
   "phase": "command_and_control",
   "techniques": [
    "T1572",
    "T1090"
   ],
   "advice": {
    "zh": "核对该隧道是否经批准；未批准则隔离两端主机，检查经隧道的访问。",
    "en": "Check whether this tunnel was approved; if not, isolate both hosts and inspect what went through."
   },
   "remediation": {
    "zh": "删除隧道程序，限制服务器主动外联。",
    "en": "Remove the tunnel and keep servers from opening connections outwards."
   },
   "falsePositives": {
    "zh": "经批准的 frp。",
    "en": "Approved frp."
   },
   "enabled": true,
   "references": [],
   "gb2007": "NAI/BDAI",
   "gb2023": "2 网络攻击/后门利用",
   "document": {
    "id": "frp",
    "sid": 1004701,
    "revision": 1,
    "title": {
     "zh": "frp 内网穿透",
     "en": "frp reverse proxy"
    },
    "advice": {
     "zh": "核对该隧道是否经批准；未批准则隔离两端主机，检查经隧道的访问。",
     "en": "Check whether this tunnel was approved; if not, isolate both hosts and inspect what went through."
    },
    "severity": "medium",
    "class": "tunnel",
    "techniques": [
     "T1572",
     "T1090"
    ],
    "on": "tcp",
    "attacker": "server",
    "match": {
     "request": [
      {
       "stream": {
        "regex": "(?s)o\\x00{6}..\\{\"version\":\"\\d+\\.\\d+\\.\\d+\"[^}]{0,600}\"(?:privilege_key|timestamp|run_id)\":"
       }
      }
     ]
    },
    "because": {
     "zh": "客户端以 frp 的登录消息连接控制端。",
     "en": "The client logs in with frp's message."
    },
    "verdict": [
     {
      "is": "compromised",
      "severity": "critical",
      "response": [
       {
        "stream": {
         "regex": "(?s)1\\x00{6}..\\{\"version\":\"[^\"]{1,16}\",\"run_id\":\"[^\"]{1,64}\""
        }
       }
      ],
      "because": {
       "zh": "控制端接受了登录，内网穿透已建立。",
       "en": "The controller took the log-in; the tunnel is up."
      }
     }
    ],
    "falsePositives": {
     "zh": "经批准的 frp。",
     "en": "Approved frp."
    },
    "remediation": {
     "zh": "删除隧道程序，限制服务器主动外联。",
     "en": "Remove the tunnel and keep servers from opening connections outwards."
    },
    "captures": [
     {
      "file": "login.pcap",
      "expect": "hit",
      "verdict": "compromised",
      "made": "Messages between stand-ins; log-in by frp 0.28, accepted"
     },
     {
      "file": "mux.pcap",
      "expect": "hit",
      "verdict": "compromised",
      "made": "Messages between stand-ins; log-in inside the multiplexer"
     }
    ]
   },
   "yaml": "# yaml-language-server: $schema=../../rule.schema.json\nid: frp\nsid: 1004701\nrevision: 1\ntitle:\n  zh: frp 内网穿透\n  en: frp reverse proxy\nadvice:\n  zh: 核对…",
   "hits24h": 0
  }
 },
 "POST /api/rule-trials": {
  "status": 202,
  "body": {
   "rule": "id: new-rule",
   "captures": 10
  },
  "answer": {
   "id": "try-a78804cf-bc31-41ce-baf2-a93a698e3988",
   "state": "running",
   "startedAt": "2026-11-23T11:21:26.087Z",
   "analyzer": "an-1",
   "captures": {
    "of": 1,
    "done": 0,
    "unread": 0
   },
   "packets": 0,
   "findings": [],
   "more": 0,
   "errors": []
  }
 },
 "GET /api/rule-trials/:id": {
  "status": 200,
  "answer": {
   "id": "try-a78804cf-bc31-41ce-baf2-a93a698e3988",
   "state": "done",
   "startedAt": "2026-11-23T11:21:26.087Z",
   "analyzer": "an-1",
   "captures": {
    "of": 1,
    "done": 1,
    "unread": 0
   },
   "packets": 1,
   "findings": [
    {
     "evidence": "ev-1",
     "alert": "e-1",
     "rule": "new-rule",
     "title": {
      "zh": "试跑",
      "en": "Tried"
     },
     "severity": "high",
     "verdict": "attempted",
     "class": "sql_injection",
     "because": {
      "zh": "因",
      "en": "why"
     },
     "attacker": "203.0.113.9",
     "victim": "10.1.2.3",
     "at": "2026-11-23T11:21:26.118Z",
     "count": 1
    }
   ],
   "more": 0,
   "errors": [],
   "endedAt": "2026-11-23T11:21:26.119Z"
  }
 },
 "DELETE /api/rule-trials/:id": {
  "status": 200,
  "answer": {
   "id": "try-a78804cf-bc31-41ce-baf2-a93a698e3988",
   "state": "done",
   "startedAt": "2026-11-23T11:21:26.087Z",
   "analyzer": "an-1",
   "captures": {
    "of": 1,
    "done": 1,
    "unread": 0
   },
   "packets": 1,
   "findings": [
    {
     "evidence": "ev-1",
     "alert": "e-1",
     "rule": "new-rule",
     "title": {
      "zh": "试跑",
      "en": "Tried"
     },
     "severity": "high",
     "verdict": "attempted",
     "class": "sql_injection",
     "because": {
      "zh": "因",
      "en": "why"
     },
     "attacker": "203.0.113.9",
     "victim": "10.1.2.3",
     "at": "2026-11-23T11:21:26.118Z",
     "count": 1
    }
   ],
   "more": 0,
   "errors": [],
   "endedAt": "2026-11-23T11:21:26.119Z"
  }
 },
 "POST /api/suppressions/preview": {
  "status": 200,
  "body": {
   "match": {
    "rule": "port-scan"
   }
  },
  "answer": {
   "days": 7,
   "alerts": 1,
   "capped": false,
   "incidents": 1,
   "byVerdict": {
    "attempted": 1
   },
   "bySeverity": {
    "high": 1
   },
   "sources": [
    {
     "ip": "203.0.113.9",
     "count": 1
    }
   ],
   "samples": [
    {
     "id": "e-2",
     "revision": 1,
     "seq": 2,
     "rule": "port-scan",
     "title": {
      "zh": "端口扫描告警",
      "en": "Port scan alert"
     },
     "severity": "high",
     "verdict": "attempted",
     "class": "port_scan",
     "phase": "reconnaissance",
     "attacker": {
      "ip": "203.0.113.9",
      "port": 4242
     },
     "victim": {
      "ip": "10.1.2.4",
      "unit": {
       "id": "wuhan",
       "zh": "武汉市",
       "en": "Wuhan"
      },
      "system": {
       "id": "whoa",
       "zh": "武汉协同办公",
       "en": "Wuhan office"
      }
     },
     "proto": "TCP",
     "appProto": "http",
     "node": "node-1",
     "firstSeen": "2026-11-23T11:21:23.810Z",
     "lastSeen": "2026-11-23T11:21:23.810Z",
     "count": 1,
     "incident": "inc-3a86a1bf8eeda6e7",
     "demo": false
    }
   ]
  }
 },
 "POST /api/suppressions": {
  "status": 201,
  "body": {
   "match": {
    "rule": "port-scan",
    "source": "198.51.100.0/24"
   },
   "reason": "委托扫描",
   "expires": "2026-11-24T11:21:26.268Z"
  },
  "answer": {
   "id": "sup-744b4fae-e5c4-411d-b237-af4af01a0d02",
   "match": {
    "rule": "port-scan",
    "source": "198.51.100.0/24"
   },
   "effect": "suppress",
   "reason": "委托扫描",
   "createdAt": "2026-11-23T11:21:26.278Z",
   "by": {
    "id": "u-ana",
    "account": "ana",
    "name": "ana"
   },
   "expires": "2026-11-24T11:21:26.268Z",
   "state": "active",
   "hits": 0
  }
 },
 "GET /api/suppressions": {
  "status": 200,
  "answer": [
   {
    "id": "sup-744b4fae-e5c4-411d-b237-af4af01a0d02",
    "match": {
     "rule": "port-scan",
     "source": "198.51.100.0/24"
    },
    "effect": "suppress",
    "reason": "委托扫描",
    "createdAt": "2026-11-23T11:21:26.278Z",
    "by": {
     "id": "u-ana",
     "account": "ana",
     "name": "ana"
    },
    "expires": "2026-11-24T11:21:26.268Z",
    "state": "active",
    "hits": 0
   }
  ]
 },
 "DELETE /api/suppressions/:id": {
  "status": 200,
  "answer": {
   "id": "sup-744b4fae-e5c4-411d-b237-af4af01a0d02",
   "match": {
    "rule": "port-scan",
    "source": "198.51.100.0/24"
   },
   "effect": "suppress",
   "reason": "委托扫描",
   "createdAt": "2026-11-23T11:21:26.278Z",
   "by": {
    "id": "u-ana",
    "account": "ana",
    "name": "ana"
   },
   "expires": "2026-11-24T11:21:26.268Z",
   "state": "ended",
   "endedAt": "2026-11-23T11:21:26.433Z",
   "endedBy": {
    "id": "u-ana",
    "account": "ana",
    "name": "ana"
   },
   "hits": 0
  }
 },
 "POST /api/filters": {
  "status": 201,
  "body": {
   "page": "alerts",
   "name": "失陷",
   "query": "verdict=compromised"
  },
  "answer": {
   "id": "flt-0b80b3c8-71ba-4b24-88fe-241e2af96caa",
   "page": "alerts",
   "name": "失陷",
   "query": "verdict=compromised",
   "createdAt": "2026-11-23T11:21:26.523Z"
  }
 },
 "GET /api/filters": {
  "status": 200,
  "answer": [
   {
    "id": "flt-0b80b3c8-71ba-4b24-88fe-241e2af96caa",
    "page": "alerts",
    "name": "失陷",
    "query": "verdict=compromised",
    "createdAt": "2026-11-23T11:21:26.523Z"
   }
  ]
 },
 "DELETE /api/filters/:id": {
  "status": 204
 },
 "POST /api/incidents/:id/actions": {
  "status": 200,
  "body": {
   "version": 1,
   "action": "assign",
   "owner": "me"
  },
  "answer": {
   "id": "inc-14050facfbf3e793",
   "version": 2,
   "state": "triage",
   "title": {
    "zh": "203.0.113.9 对 10.1.2.3 的SQL 注入（已得手）",
    "en": "203.0.113.9 against 10.1.2.3: sql injection (succeeded)"
   },
   "severity": "high",
   "verdict": "succeeded",
   "level": 3,
   "rank": 13315,
   "attacker": {
    "ip": "203.0.113.9"
   },
   "victim": {
    "ip": "10.1.2.3",
    "unit": {
     "id": "wuhan",
     "zh": "武汉市",
     "en": "Wuhan"
    },
    "system": {
     "id": "whoa",
     "zh": "武汉协同办公",
     "en": "Wuhan office"
    }
   },
   "phases": [
    "access"
   ],
   "classes": [
    "sql_injection"
   ],
   "techniques": [
    "T1190"
   ],
   "alerts": 1,
   "events": 1,
   "firstSeen": "2026-11-23T11:21:23.802Z",
   "lastSeen": "2026-11-23T11:21:23.802Z",
   "owner": {
    "id": "u-ana",
    "account": "ana",
    "name": "ana"
   },
   "escalated": false,
   "reopened": 0,
   "campaign": {
    "id": "inc-14050facfbf3e793",
    "incidents": 2,
    "victims": 2
   },
   "tickets": 0,
   "demo": false,
   "steps": [
    {
     "phase": "access",
     "class": "sql_injection",
     "rule": "sqli-union",
     "title": {
      "zh": "SQL 注入告警",
      "en": "SQL injection alert"
     },
     "severity": "high",
     "verdict": "succeeded",
     "firstSeen": "2026-11-23T11:21:23.802Z",
     "lastSeen": "2026-11-23T11:21:23.802Z",
     "alerts": 1,
     "events": 1,
     "alert": "e-1"
    }
   ],
   "history": [
    {
     "at": "2026-11-23T11:21:26.645Z",
     "by": {
      "id": "u-ana",
      "account": "ana",
      "name": "ana"
     },
     "action": "assign",
     "from": "new",
     "to": "triage",
     "text": "ana"
    }
   ],
   "actions": [
    "assign",
    "release"
   ],
   "ticketRows": [],
   "advice": [],
   "graph": {
    "nodes": [
     {
      "ip": "203.0.113.9",
      "role": "attacker"
     },
     {
      "ip": "10.1.2.3",
      "role": "victim",
      "unit": {
       "id": "wuhan",
       "zh": "武汉市",
       "en": "Wuhan"
      },
      "system": {
       "id": "whoa",
       "zh": "武汉协同办公",
       "en": "Wuhan office"
      }
     }
    ],
    "edges": [
     {
      "from": "203.0.113.9",
      "to": "10.1.2.3",
      "incident": "inc-14050facfbf3e793",
      "phases": [
       "access"
      ],
      "severity": "high",
      "verdict": "succeeded",
      "alerts": 1,
      "firstSeen": "2026-11-23T11:21:23.802Z",
      "lastSeen": "2026-11-23T11:21:23.802Z"
     },
     {
      "from": "203.0.113.9",
      "to": "10.1.2.4",
      "incident": "inc-3a86a1bf8eeda6e7",
      "phases": [
       "reconnaissance"
      ],
      "severity": "high",
      "verdict": "attempted",
      "alerts": 1,
      "firstSeen": "2026-11-23T11:21:23.810Z",
      "lastSeen": "2026-11-23T11:21:23.810Z"
     }
    ]
   }
  }
 },
 "POST /api/incidents/actions": {
  "status": 200,
  "body": {
   "items": [
    {
     "id": "inc-3a86a1bf8eeda6e7",
     "version": 1
    }
   ],
   "action": "confirm"
  },
  "answer": {
   "done": [
    {
     "id": "inc-3a86a1bf8eeda6e7",
     "version": 2
    }
   ],
   "refused": []
  }
 },
 "POST /api/incidents/:id/comments": {
  "status": 201,
  "body": {
   "text": "已电话通知"
  },
  "answer": {
   "id": "inc-14050facfbf3e793",
   "version": 2,
   "state": "triage",
   "title": {
    "zh": "203.0.113.9 对 10.1.2.3 的SQL 注入（已得手）",
    "en": "203.0.113.9 against 10.1.2.3: sql injection (succeeded)"
   },
   "severity": "high",
   "verdict": "succeeded",
   "level": 3,
   "rank": 13315,
   "attacker": {
    "ip": "203.0.113.9"
   },
   "victim": {
    "ip": "10.1.2.3",
    "unit": {
     "id": "wuhan",
     "zh": "武汉市",
     "en": "Wuhan"
    },
    "system": {
     "id": "whoa",
     "zh": "武汉协同办公",
     "en": "Wuhan office"
    }
   },
   "phases": [
    "access"
   ],
   "classes": [
    "sql_injection"
   ],
   "techniques": [
    "T1190"
   ],
   "alerts": 1,
   "events": 1,
   "firstSeen": "2026-11-23T11:21:23.802Z",
   "lastSeen": "2026-11-23T11:21:23.802Z",
   "owner": {
    "id": "u-ana",
    "account": "ana",
    "name": "ana"
   },
   "escalated": false,
   "reopened": 0,
   "campaign": {
    "id": "inc-14050facfbf3e793",
    "incidents": 2,
    "victims": 2
   },
   "tickets": 0,
   "demo": false,
   "steps": [
    {
     "phase": "access",
     "class": "sql_injection",
     "rule": "sqli-union",
     "title": {
      "zh": "SQL 注入告警",
      "en": "SQL injection alert"
     },
     "severity": "high",
     "verdict": "succeeded",
     "firstSeen": "2026-11-23T11:21:23.802Z",
     "lastSeen": "2026-11-23T11:21:23.802Z",
     "alerts": 1,
     "events": 1,
     "alert": "e-1"
    }
   ],
   "history": [
    {
     "at": "2026-11-23T11:21:26.645Z",
     "by": {
      "id": "u-ana",
      "account": "ana",
      "name": "ana"
     },
     "action": "assign",
     "from": "new",
     "to": "triage",
     "text": "ana"
    },
    {
     "at": "2026-11-23T11:21:26.882Z",
     "by": {
      "id": "u-ana",
      "account": "ana",
      "name": "ana"
     },
     "action": "comment",
     "text": "已电话通知"
    }
   ],
   "actions": [
    "assign",
    "release"
   ],
   "ticketRows": [],
   "advice": [],
   "graph": {
    "nodes": [
     {
      "ip": "203.0.113.9",
      "role": "attacker"
     },
     {
      "ip": "10.1.2.3",
      "role": "victim",
      "unit": {
       "id": "wuhan",
       "zh": "武汉市",
       "en": "Wuhan"
      },
      "system": {
       "id": "whoa",
       "zh": "武汉协同办公",
       "en": "Wuhan office"
      }
     }
    ],
    "edges": [
     {
      "from": "203.0.113.9",
      "to": "10.1.2.3",
      "incident": "inc-14050facfbf3e793",
      "phases": [
       "access"
      ],
      "severity": "high",
      "verdict": "succeeded",
      "alerts": 1,
      "firstSeen": "2026-11-23T11:21:23.802Z",
      "lastSeen": "2026-11-23T11:21:23.802Z"
     },
     {
      "from": "203.0.113.9",
      "to": "10.1.2.4",
      "incident": "inc-3a86a1bf8eeda6e7",
      "phases": [
       "reconnaissance"
      ],
      "severity": "high",
      "verdict": "attempted",
      "alerts": 1,
      "firstSeen": "2026-11-23T11:21:23.810Z",
      "lastSeen": "2026-11-23T11:21:23.810Z"
     }
    ]
   }
  }
 },
 "GET /api/incidents/:id": {
  "status": 200,
  "answer": {
   "id": "inc-14050facfbf3e793",
   "version": 2,
   "state": "triage",
   "title": {
    "zh": "203.0.113.9 对 10.1.2.3 的SQL 注入（已得手）",
    "en": "203.0.113.9 against 10.1.2.3: sql injection (succeeded)"
   },
   "severity": "high",
   "verdict": "succeeded",
   "level": 3,
   "rank": 13315,
   "attacker": {
    "ip": "203.0.113.9"
   },
   "victim": {
    "ip": "10.1.2.3",
    "unit": {
     "id": "wuhan",
     "zh": "武汉市",
     "en": "Wuhan"
    },
    "system": {
     "id": "whoa",
     "zh": "武汉协同办公",
     "en": "Wuhan office"
    }
   },
   "phases": [
    "access"
   ],
   "classes": [
    "sql_injection"
   ],
   "techniques": [
    "T1190"
   ],
   "alerts": 1,
   "events": 1,
   "firstSeen": "2026-11-23T11:21:23.802Z",
   "lastSeen": "2026-11-23T11:21:23.802Z",
   "owner": {
    "id": "u-ana",
    "account": "ana",
    "name": "ana"
   },
   "escalated": false,
   "reopened": 0,
   "campaign": {
    "id": "inc-14050facfbf3e793",
    "incidents": 2,
    "victims": 2
   },
   "tickets": 0,
   "demo": false,
   "steps": [
    {
     "phase": "access",
     "class": "sql_injection",
     "rule": "sqli-union",
     "title": {
      "zh": "SQL 注入告警",
      "en": "SQL injection alert"
     },
     "severity": "high",
     "verdict": "succeeded",
     "firstSeen": "2026-11-23T11:21:23.802Z",
     "lastSeen": "2026-11-23T11:21:23.802Z",
     "alerts": 1,
     "events": 1,
     "alert": "e-1"
    }
   ],
   "history": [
    {
     "at": "2026-11-23T11:21:26.645Z",
     "by": {
      "id": "u-ana",
      "account": "ana",
      "name": "ana"
     },
     "action": "assign",
     "from": "new",
     "to": "triage",
     "text": "ana"
    },
    {
     "at": "2026-11-23T11:21:26.882Z",
     "by": {
      "id": "u-ana",
      "account": "ana",
      "name": "ana"
     },
     "action": "comment",
     "text": "已电话通知"
    }
   ],
   "actions": [
    "assign",
    "release"
   ],
   "ticketRows": [],
   "advice": [],
   "graph": {
    "nodes": [
     {
      "ip": "203.0.113.9",
      "role": "attacker"
     },
     {
      "ip": "10.1.2.3",
      "role": "victim",
      "unit": {
       "id": "wuhan",
       "zh": "武汉市",
       "en": "Wuhan"
      },
      "system": {
       "id": "whoa",
       "zh": "武汉协同办公",
       "en": "Wuhan office"
      }
     }
    ],
    "edges": [
     {
      "from": "203.0.113.9",
      "to": "10.1.2.3",
      "incident": "inc-14050facfbf3e793",
      "phases": [
       "access"
      ],
      "severity": "high",
      "verdict": "succeeded",
      "alerts": 1,
      "firstSeen": "2026-11-23T11:21:23.802Z",
      "lastSeen": "2026-11-23T11:21:23.802Z"
     },
     {
      "from": "203.0.113.9",
      "to": "10.1.2.4",
      "incident": "inc-3a86a1bf8eeda6e7",
      "phases": [
       "reconnaissance"
      ],
      "severity": "high",
      "verdict": "attempted",
      "alerts": 1,
      "firstSeen": "2026-11-23T11:21:23.810Z",
      "lastSeen": "2026-11-23T11:21:23.810Z"
     }
    ]
   }
  }
 },
 "GET /api/incidents/:id/ranking": {
  "status": 200,
  "answer": {
   "rank": 13315,
   "parts": [
    {
     "name": "escalated",
     "points": 0,
     "value": 0
    },
    {
     "name": "verdict",
     "points": 10000,
     "value": "succeeded"
    }
   ]
  }
 },
 "GET /api/incidents/:id/chain": {
  "status": 200,
  "answer": {
   "incident": "inc-14050facfbf3e793",
   "links": [
    {
     "seq": 1,
     "kind": "evidence",
     "id": "ev-1",
     "at": "2026-11-23T11:21:23.830Z",
     "sha256": "efd506057fe61488c7f7d96aa2ffb7f47127d0c7e0abe1032ae7de8665d5ca7a",
     "sm3": "cfc2d8de5c25660d66c8c01d70645a5e37e991d1c3ba872f630426b589b7409c",
     "link": "24a4b3c9ff0164dfd6bcf6e8dc70db5ce2c51dee21692b79f1cdb1818aad502a",
     "title": "1 packets",
     "file": "evidence/00001.pcap"
    },
    {
     "seq": 2,
     "kind": "alert",
     "id": "e-1",
     "at": "2026-11-23T11:21:23.861Z",
     "sha256": "42cf1795e86b2a40ca36ea6e5d234e64634e06761438100df3ef16c5fed75d8d",
     "sm3": "86f10889c2208c2bea1c43a69296833ddc61e520c87479f8a34c0e172bdf89d8",
     "link": "9d7445bbf43deed7406590e6e599dc01a0e7173880df4628c3a0828532f89442",
     "title": "SQL 注入告警",
     "file": "alerts/00002.json"
    }
   ],
   "head": "0f6f1661330bdf35d5caf4e88fbfe868939491c47cc564f23c4629356187b05e",
   "missing": [],
   "cut": false,
   "keyId": "40f6212d8d03d152e95b329194ec1e12"
  }
 },
 "GET /api/incidents/:id/bundle": {
  "status": 200
 },
 "GET /api/incidents/:id/stix": {
  "status": 200
 },
 "GET /api/campaigns/:id": {
  "status": 200,
  "answer": {
   "id": "inc-14050facfbf3e793",
   "firstSeen": "2026-11-23T11:21:23.802Z",
   "lastSeen": "2026-11-23T11:21:23.810Z",
   "severity": "high",
   "verdict": "succeeded",
   "incidents": [
    {
     "id": "inc-14050facfbf3e793",
     "version": 2,
     "state": "triage",
     "title": {
      "zh": "203.0.113.9 对 10.1.2.3 的SQL 注入（已得手）",
      "en": "203.0.113.9 against 10.1.2.3: sql injection (succeeded)"
     },
     "severity": "high",
     "verdict": "succeeded",
     "level": 3,
     "rank": 13315,
     "attacker": {
      "ip": "203.0.113.9"
     },
     "victim": {
      "ip": "10.1.2.3",
      "unit": {
       "id": "wuhan",
       "zh": "武汉市",
       "en": "Wuhan"
      },
      "system": {
       "id": "whoa",
       "zh": "武汉协同办公",
       "en": "Wuhan office"
      }
     },
     "phases": [
      "access"
     ],
     "classes": [
      "sql_injection"
     ],
     "techniques": [
      "T1190"
     ],
     "alerts": 1,
     "events": 1,
     "firstSeen": "2026-11-23T11:21:23.802Z",
     "lastSeen": "2026-11-23T11:21:23.802Z",
     "owner": {
      "id": "u-ana",
      "account": "ana",
      "name": "ana"
     },
     "escalated": false,
     "reopened": 0,
     "campaign": {
      "id": "inc-14050facfbf3e793",
      "incidents": 2,
      "victims": 2
     },
     "tickets": 0,
     "demo": false
    },
    {
     "id": "inc-3a86a1bf8eeda6e7",
     "version": 2,
     "state": "confirmed",
     "title": {
      "zh": "203.0.113.9 对 10.1.2.4 的端口扫描",
      "en": "203.0.113.9 against 10.1.2.4: port scan"
     },
     "severity": "high",
     "verdict": "attempted",
     "level": 3,
     "rank": 3315,
     "attacker": {
      "ip": "203.0.113.9"
     },
     "victim": {
      "ip": "10.1.2.4",
      "unit": {
       "id": "wuhan",
       "zh": "武汉市",
       "en": "Wuhan"
      },
      "system": {
       "id": "whoa",
       "zh": "武汉协同办公",
       "en": "Wuhan office"
      }
     },
     "phases": [
      "reconnaissance"
     ],
     "classes": [
      "port_scan"
     ],
     "techniques": [
      "T1190"
     ],
     "alerts": 1,
     "events": 1,
     "firstSeen": "2026-11-23T11:21:23.810Z",
     "lastSeen": "2026-11-23T11:21:23.810Z",
     "escalated": false,
     "reopened": 0,
     "campaign": {
      "id": "inc-14050facfbf3e793",
      "incidents": 2,
      "victims": 2
     },
     "tickets": 0,
     "demo": false
    }
   ],
   "graph": {
    "nodes": [
     {
      "ip": "203.0.113.9",
      "role": "attacker"
     },
     {
      "ip": "10.1.2.3",
      "role": "victim",
      "unit": {
       "id": "wuhan",
       "zh": "武汉市",
       "en": "Wuhan"
      },
      "system": {
       "id": "whoa",
       "zh": "武汉协同办公",
       "en": "Wuhan office"
      }
     }
    ],
    "edges": [
     {
      "from": "203.0.113.9",
      "to": "10.1.2.3",
      "incident": "inc-14050facfbf3e793",
      "phases": [
       "access"
      ],
      "severity": "high",
      "verdict": "succeeded",
      "alerts": 1,
      "firstSeen": "2026-11-23T11:21:23.802Z",
      "lastSeen": "2026-11-23T11:21:23.802Z"
     },
     {
      "from": "203.0.113.9",
      "to": "10.1.2.4",
      "incident": "inc-3a86a1bf8eeda6e7",
      "phases": [
       "reconnaissance"
      ],
      "severity": "high",
      "verdict": "attempted",
      "alerts": 1,
      "firstSeen": "2026-11-23T11:21:23.810Z",
      "lastSeen": "2026-11-23T11:21:23.810Z"
     }
    ]
   }
  }
 },
 "POST /api/tickets": {
  "status": 201,
  "body": {
   "incident": "inc-14050facfbf3e793"
  },
  "answer": {
   "id": "tkt-20c7b896-c47b-4c07-989f-6824aaf6b701",
   "version": 1,
   "title": "关于武汉协同办公遭受SQL 注入的通报",
   "state": "draft",
   "level": 3,
   "unit": {
    "id": "wuhan",
    "zh": "武汉市",
    "en": "Wuhan"
   },
   "incident": "inc-14050facfbf3e793",
   "createdAt": "2026-11-23T11:21:27.127Z",
   "reminded": 0,
   "supervised": false,
   "demo": false,
   "summary": "监测发现，203.0.113.9 对武汉协同办公（10.1.2.3）实施SQL 注入，共 1 条告警、1 次事件。\n研判结论：攻击已得手。\n事件分类：2 网络攻击/漏洞利用（GB/Z 20986-2007：NAI/VAI）。\n攻击技术（ATT&CK）：T1190。",
   "impact": "武汉协同办公的数据和权限可能已被获取，相邻系统存在被横向渗透的风险。",
   "demands": "1. 立即签收并核实情况；\n2. 按时限完成处置，留存日志和样本；\n3. 整改完成后提交反馈，接受复测。",
   "author": {
    "id": "u-ana",
    "account": "ana",
    "name": "ana"
   },
   "proofs": {
    "shut": false,
    "quiet": false
   },
   "documents": {
    "pdf": "/api/tickets/tkt-20c7b896-c47b-4c07-989f-6824aaf6b701/document?format=pdf",
    "docx": "/api/tickets/tkt-20c7b896-c47b-4c07-989f-6824aaf6b701/document?format=docx"
   },
   "attachments": [],
   "history": [
    {
     "at": "2026-11-23T11:21:27.127Z",
     "by": {
      "id": "u-ana",
      "account": "ana",
      "name": "ana"
     },
     "action": "create",
     "to": "draft"
    }
   ],
   "actions": [
    "submit",
    "withdraw"
   ],
   "incidentRow": {
    "id": "inc-14050facfbf3e793",
    "version": 2,
    "state": "triage",
    "title": {
     "zh": "203.0.113.9 对 10.1.2.3 的SQL 注入（已得手）",
     "en": "203.0.113.9 against 10.1.2.3: sql injection (succeeded)"
    },
    "severity": "high",
    "verdict": "succeeded",
    "level": 3,
    "rank": 13315,
    "attacker": {
     "ip": "203.0.113.9"
    },
    "victim": {
     "ip": "10.1.2.3",
     "unit": {
      "id": "wuhan",
      "zh": "武汉市",
      "en": "Wuhan"
     },
     "system": {
      "id": "whoa",
      "zh": "武汉协同办公",
      "en": "Wuhan office"
     }
    },
    "phases": [
     "access"
    ],
    "classes": [
     "sql_injection"
    ],
    "techniques": [
     "T1190"
    ],
    "alerts": 1,
    "events": 1,
    "firstSeen": "2026-11-23T11:21:23.802Z",
    "lastSeen": "2026-11-23T11:21:23.802Z",
    "owner": {
     "id": "u-ana",
     "account": "ana",
     "name": "ana"
    },
    "escalated": false,
    "reopened": 0,
    "campaign": {
     "id": "inc-14050facfbf3e793",
     "incidents": 2,
     "victims": 2
    },
    "tickets": 1,
    "demo": false
   }
  }
 },
 "PATCH /api/tickets/:id": {
  "status": 200,
  "body": {
   "version": 1,
   "copies": "省委网信办"
  },
  "answer": {
   "id": "tkt-20c7b896-c47b-4c07-989f-6824aaf6b701",
   "version": 2,
   "title": "关于武汉协同办公遭受SQL 注入的通报",
   "state": "draft",
   "level": 3,
   "unit": {
    "id": "wuhan",
    "zh": "武汉市",
    "en": "Wuhan"
   },
   "incident": "inc-14050facfbf3e793",
   "createdAt": "2026-11-23T11:21:27.127Z",
   "reminded": 0,
   "supervised": false,
   "demo": false,
   "summary": "监测发现，203.0.113.9 对武汉协同办公（10.1.2.3）实施SQL 注入，共 1 条告警、1 次事件。\n研判结论：攻击已得手。\n事件分类：2 网络攻击/漏洞利用（GB/Z 20986-2007：NAI/VAI）。\n攻击技术（ATT&CK）：T1190。",
   "impact": "武汉协同办公的数据和权限可能已被获取，相邻系统存在被横向渗透的风险。",
   "demands": "1. 立即签收并核实情况；\n2. 按时限完成处置，留存日志和样本；\n3. 整改完成后提交反馈，接受复测。",
   "author": {
    "id": "u-ana",
    "account": "ana",
    "name": "ana"
   },
   "copies": "省委网信办",
   "proofs": {
    "shut": false,
    "quiet": false
   },
   "documents": {
    "pdf": "/api/tickets/tkt-20c7b896-c47b-4c07-989f-6824aaf6b701/document?format=pdf",
    "docx": "/api/tickets/tkt-20c7b896-c47b-4c07-989f-6824aaf6b701/document?format=docx"
   },
   "attachments": [],
   "history": [
    {
     "at": "2026-11-23T11:21:27.127Z",
     "by": {
      "id": "u-ana",
      "account": "ana",
      "name": "ana"
     },
     "action": "create",
     "to": "draft"
    },
    {
     "at": "2026-11-23T11:21:27.231Z",
     "by": {
      "id": "u-ana",
      "account": "ana",
      "name": "ana"
     },
     "action": "edit",
     "from": "draft",
     "to": "draft",
     "text": "copies"
    }
   ],
   "actions": [
    "submit",
    "withdraw"
   ],
   "incidentRow": {
    "id": "inc-14050facfbf3e793",
    "version": 2,
    "state": "triage",
    "title": {
     "zh": "203.0.113.9 对 10.1.2.3 的SQL 注入（已得手）",
     "en": "203.0.113.9 against 10.1.2.3: sql injection (succeeded)"
    },
    "severity": "high",
    "verdict": "succeeded",
    "level": 3,
    "rank": 13315,
    "attacker": {
     "ip": "203.0.113.9"
    },
    "victim": {
     "ip": "10.1.2.3",
     "unit": {
      "id": "wuhan",
      "zh": "武汉市",
      "en": "Wuhan"
     },
     "system": {
      "id": "whoa",
      "zh": "武汉协同办公",
      "en": "Wuhan office"
     }
    },
    "phases": [
     "access"
    ],
    "classes": [
     "sql_injection"
    ],
    "techniques": [
     "T1190"
    ],
    "alerts": 1,
    "events": 1,
    "firstSeen": "2026-11-23T11:21:23.802Z",
    "lastSeen": "2026-11-23T11:21:23.802Z",
    "owner": {
     "id": "u-ana",
     "account": "ana",
     "name": "ana"
    },
    "escalated": false,
    "reopened": 0,
    "campaign": {
     "id": "inc-14050facfbf3e793",
     "incidents": 2,
     "victims": 2
    },
    "tickets": 1,
    "demo": false
   }
  }
 },
 "POST /api/tickets/actions": {
  "status": 200,
  "body": {
   "items": [
    {
     "id": "tkt-20c7b896-c47b-4c07-989f-6824aaf6b701",
     "version": 2
    }
   ],
   "action": "submit"
  },
  "answer": {
   "done": [
    {
     "id": "tkt-20c7b896-c47b-4c07-989f-6824aaf6b701",
     "version": 3
    }
   ],
   "refused": []
  }
 },
 "POST /api/tickets/:id/actions": {
  "status": 200,
  "body": {
   "version": 3,
   "action": "approve"
  },
  "answer": {
   "id": "tkt-20c7b896-c47b-4c07-989f-6824aaf6b701",
   "version": 4,
   "number": "网安通〔2026〕1号",
   "title": "关于武汉协同办公遭受SQL 注入的通报",
   "state": "issued",
   "level": 3,
   "unit": {
    "id": "wuhan",
    "zh": "武汉市",
    "en": "Wuhan"
   },
   "incident": "inc-14050facfbf3e793",
   "createdAt": "2026-11-23T11:21:27.127Z",
   "issuedAt": "2026-11-23T11:21:27.402Z",
   "due": {
    "clock": "acknowledge",
    "at": "2026-11-23T15:21:27.402Z",
    "overdue": false
   },
   "reminded": 0,
   "supervised": false,
   "demo": false,
   "summary": "监测发现，203.0.113.9 对武汉协同办公（10.1.2.3）实施SQL 注入，共 1 条告警、1 次事件。\n研判结论：攻击已得手。\n事件分类：2 网络攻击/漏洞利用（GB/Z 20986-2007：NAI/VAI）。\n攻击技术（ATT&CK）：T1190。",
   "impact": "武汉协同办公的数据和权限可能已被获取，相邻系统存在被横向渗透的风险。",
   "demands": "1. 立即签收并核实情况；\n2. 按时限完成处置，留存日志和样本；\n3. 整改完成后提交反馈，接受复测。",
   "author": {
    "id": "u-ana",
    "account": "ana",
    "name": "ana"
   },
   "approver": {
    "id": "u-ben",
    "account": "ben",
    "name": "ben"
   },
   "copies": "省委网信办",
   "proofs": {
    "shut": false,
    "quiet": false
   },
   "documents": {
    "pdf": "/api/tickets/tkt-20c7b896-c47b-4c07-989f-6824aaf6b701/document?format=pdf",
    "docx": "/api/tickets/tkt-20c7b896-c47b-4c07-989f-6824aaf6b701/document?format=docx"
   },
   "deadlines": [
    {
     "clock": "acknowledge",
     "at": "2026-11-23T15:21:27.402Z",
     "overdue": false
    },
    {
     "clock": "contain",
     "at": "2026-11-24T11:21:27.402Z",
     "overdue": false
    }
   ],
   "attachments": [],
   "history": [
    {
     "at": "2026-11-23T11:21:27.127Z",
     "by": {
      "id": "u-ana",
      "account": "ana",
      "name": "ana"
     },
     "action": "create",
     "to": "draft"
    },
    {
     "at": "2026-11-23T11:21:27.231Z",
     "by": {
      "id": "u-ana",
      "account": "ana",
      "name": "ana"
     },
     "action": "edit",
     "from": "draft",
     "to": "draft",
     "text": "copies"
    }
   ],
   "actions": [
    "withdraw",
    "remind"
   ],
   "incidentRow": {
    "id": "inc-14050facfbf3e793",
    "version": 3,
    "state": "remediation",
    "title": {
     "zh": "203.0.113.9 对 10.1.2.3 的SQL 注入（已得手）",
     "en": "203.0.113.9 against 10.1.2.3: sql injection (succeeded)"
    },
    "severity": "high",
    "verdict": "succeeded",
    "level": 3,
    "rank": 13315,
    "attacker": {
     "ip": "203.0.113.9"
    },
    "victim": {
     "ip": "10.1.2.3",
     "unit": {
      "id": "wuhan",
      "zh": "武汉市",
      "en": "Wuhan"
     },
     "system": {
      "id": "whoa",
      "zh": "武汉协同办公",
      "en": "Wuhan office"
     }
    },
    "phases": [
     "access"
    ],
    "classes": [
     "sql_injection"
    ],
    "techniques": [
     "T1190"
    ],
    "alerts": 1,
    "events": 1,
    "firstSeen": "2026-11-23T11:21:23.802Z",
    "lastSeen": "2026-11-23T11:21:23.802Z",
    "owner": {
     "id": "u-ana",
     "account": "ana",
     "name": "ana"
    },
    "escalated": false,
    "reopened": 0,
    "campaign": {
     "id": "inc-14050facfbf3e793",
     "incidents": 2,
     "victims": 2
    },
    "tickets": 1,
    "demo": false
   }
  }
 },
 "POST /api/tickets/:id/comments": {
  "status": 201,
  "body": {
   "text": "收到"
  },
  "answer": {
   "id": "tkt-20c7b896-c47b-4c07-989f-6824aaf6b701",
   "version": 4,
   "number": "网安通〔2026〕1号",
   "title": "关于武汉协同办公遭受SQL 注入的通报",
   "state": "issued",
   "level": 3,
   "unit": {
    "id": "wuhan",
    "zh": "武汉市",
    "en": "Wuhan"
   },
   "incident": "inc-14050facfbf3e793",
   "createdAt": "2026-11-23T11:21:27.127Z",
   "issuedAt": "2026-11-23T11:21:27.402Z",
   "due": {
    "clock": "acknowledge",
    "at": "2026-11-23T15:21:27.402Z",
    "overdue": false
   },
   "reminded": 0,
   "supervised": false,
   "demo": false,
   "summary": "监测发现，203.0.113.9 对武汉协同办公（10.1.2.3）实施SQL 注入，共 1 条告警、1 次事件。\n研判结论：攻击已得手。\n事件分类：2 网络攻击/漏洞利用（GB/Z 20986-2007：NAI/VAI）。\n攻击技术（ATT&CK）：T1190。",
   "impact": "武汉协同办公的数据和权限可能已被获取，相邻系统存在被横向渗透的风险。",
   "demands": "1. 立即签收并核实情况；\n2. 按时限完成处置，留存日志和样本；\n3. 整改完成后提交反馈，接受复测。",
   "author": {
    "id": "u-ana",
    "account": "ana",
    "name": "ana"
   },
   "approver": {
    "id": "u-ben",
    "account": "ben",
    "name": "ben"
   },
   "copies": "省委网信办",
   "proofs": {
    "shut": false,
    "quiet": false
   },
   "documents": {
    "pdf": "/api/tickets/tkt-20c7b896-c47b-4c07-989f-6824aaf6b701/document?format=pdf",
    "docx": "/api/tickets/tkt-20c7b896-c47b-4c07-989f-6824aaf6b701/document?format=docx"
   },
   "deadlines": [
    {
     "clock": "acknowledge",
     "at": "2026-11-23T15:21:27.402Z",
     "overdue": false
    },
    {
     "clock": "contain",
     "at": "2026-11-24T11:21:27.402Z",
     "overdue": false
    }
   ],
   "attachments": [],
   "history": [
    {
     "at": "2026-11-23T11:21:27.127Z",
     "by": {
      "id": "u-ana",
      "account": "ana",
      "name": "ana"
     },
     "action": "create",
     "to": "draft"
    },
    {
     "at": "2026-11-23T11:21:27.231Z",
     "by": {
      "id": "u-ana",
      "account": "ana",
      "name": "ana"
     },
     "action": "edit",
     "from": "draft",
     "to": "draft",
     "text": "copies"
    }
   ],
   "actions": [
    "acknowledge"
   ],
   "incidentRow": {
    "id": "inc-14050facfbf3e793",
    "version": 3,
    "state": "remediation",
    "title": {
     "zh": "203.0.113.9 对 10.1.2.3 的SQL 注入（已得手）",
     "en": "203.0.113.9 against 10.1.2.3: sql injection (succeeded)"
    },
    "severity": "high",
    "verdict": "succeeded",
    "level": 3,
    "rank": 13315,
    "attacker": {
     "ip": "203.0.113.9"
    },
    "victim": {
     "ip": "10.1.2.3",
     "unit": {
      "id": "wuhan",
      "zh": "武汉市",
      "en": "Wuhan"
     },
     "system": {
      "id": "whoa",
      "zh": "武汉协同办公",
      "en": "Wuhan office"
     }
    },
    "phases": [
     "access"
    ],
    "classes": [
     "sql_injection"
    ],
    "techniques": [
     "T1190"
    ],
    "alerts": 1,
    "events": 1,
    "firstSeen": "2026-11-23T11:21:23.802Z",
    "lastSeen": "2026-11-23T11:21:23.802Z",
    "owner": {
     "id": "u-ana",
     "account": "ana",
     "name": "ana"
    },
    "escalated": false,
    "reopened": 0,
    "campaign": {
     "id": "inc-14050facfbf3e793",
     "incidents": 2,
     "victims": 2
    },
    "tickets": 1,
    "demo": false
   }
  }
 },
 "GET /api/tickets": {
  "status": 200,
  "answer": {
   "items": [
    {
     "id": "tkt-20c7b896-c47b-4c07-989f-6824aaf6b701",
     "version": 4,
     "number": "网安通〔2026〕1号",
     "title": "关于武汉协同办公遭受SQL 注入的通报",
     "state": "issued",
     "level": 3,
     "unit": {
      "id": "wuhan",
      "zh": "武汉市",
      "en": "Wuhan"
     },
     "incident": "inc-14050facfbf3e793",
     "createdAt": "2026-11-23T11:21:27.127Z",
     "issuedAt": "2026-11-23T11:21:27.402Z",
     "due": {
      "clock": "acknowledge",
      "at": "2026-11-23T15:21:27.402Z",
      "overdue": false
     },
     "reminded": 0,
     "supervised": false,
     "demo": false
    }
   ]
  }
 },
 "GET /api/tickets/:id": {
  "status": 200,
  "answer": {
   "id": "tkt-20c7b896-c47b-4c07-989f-6824aaf6b701",
   "version": 4,
   "number": "网安通〔2026〕1号",
   "title": "关于武汉协同办公遭受SQL 注入的通报",
   "state": "issued",
   "level": 3,
   "unit": {
    "id": "wuhan",
    "zh": "武汉市",
    "en": "Wuhan"
   },
   "incident": "inc-14050facfbf3e793",
   "createdAt": "2026-11-23T11:21:27.127Z",
   "issuedAt": "2026-11-23T11:21:27.402Z",
   "due": {
    "clock": "acknowledge",
    "at": "2026-11-23T15:21:27.402Z",
    "overdue": false
   },
   "reminded": 0,
   "supervised": false,
   "demo": false,
   "summary": "监测发现，203.0.113.9 对武汉协同办公（10.1.2.3）实施SQL 注入，共 1 条告警、1 次事件。\n研判结论：攻击已得手。\n事件分类：2 网络攻击/漏洞利用（GB/Z 20986-2007：NAI/VAI）。\n攻击技术（ATT&CK）：T1190。",
   "impact": "武汉协同办公的数据和权限可能已被获取，相邻系统存在被横向渗透的风险。",
   "demands": "1. 立即签收并核实情况；\n2. 按时限完成处置，留存日志和样本；\n3. 整改完成后提交反馈，接受复测。",
   "author": {
    "id": "u-ana",
    "account": "ana",
    "name": "ana"
   },
   "approver": {
    "id": "u-ben",
    "account": "ben",
    "name": "ben"
   },
   "copies": "省委网信办",
   "proofs": {
    "shut": false,
    "quiet": false
   },
   "documents": {
    "pdf": "/api/tickets/tkt-20c7b896-c47b-4c07-989f-6824aaf6b701/document?format=pdf",
    "docx": "/api/tickets/tkt-20c7b896-c47b-4c07-989f-6824aaf6b701/document?format=docx"
   },
   "deadlines": [
    {
     "clock": "acknowledge",
     "at": "2026-11-23T15:21:27.402Z",
     "overdue": false
    },
    {
     "clock": "contain",
     "at": "2026-11-24T11:21:27.402Z",
     "overdue": false
    }
   ],
   "attachments": [],
   "history": [
    {
     "at": "2026-11-23T11:21:27.127Z",
     "by": {
      "id": "u-ana",
      "account": "ana",
      "name": "ana"
     },
     "action": "create",
     "to": "draft"
    },
    {
     "at": "2026-11-23T11:21:27.231Z",
     "by": {
      "id": "u-ana",
      "account": "ana",
      "name": "ana"
     },
     "action": "edit",
     "from": "draft",
     "to": "draft",
     "text": "copies"
    }
   ],
   "actions": [
    "acknowledge"
   ],
   "incidentRow": {
    "id": "inc-14050facfbf3e793",
    "version": 3,
    "state": "remediation",
    "title": {
     "zh": "203.0.113.9 对 10.1.2.3 的SQL 注入（已得手）",
     "en": "203.0.113.9 against 10.1.2.3: sql injection (succeeded)"
    },
    "severity": "high",
    "verdict": "succeeded",
    "level": 3,
    "rank": 13315,
    "attacker": {
     "ip": "203.0.113.9"
    },
    "victim": {
     "ip": "10.1.2.3",
     "unit": {
      "id": "wuhan",
      "zh": "武汉市",
      "en": "Wuhan"
     },
     "system": {
      "id": "whoa",
      "zh": "武汉协同办公",
      "en": "Wuhan office"
     }
    },
    "phases": [
     "access"
    ],
    "classes": [
     "sql_injection"
    ],
    "techniques": [
     "T1190"
    ],
    "alerts": 1,
    "events": 1,
    "firstSeen": "2026-11-23T11:21:23.802Z",
    "lastSeen": "2026-11-23T11:21:23.802Z",
    "owner": {
     "id": "u-ana",
     "account": "ana",
     "name": "ana"
    },
    "escalated": false,
    "reopened": 0,
    "campaign": {
     "id": "inc-14050facfbf3e793",
     "incidents": 2,
     "victims": 2
    },
    "tickets": 1,
    "demo": false
   }
  }
 },
 "GET /api/tickets/:id/document": {
  "status": 200
 },
 "GET /api/notices": {
  "status": 200,
  "answer": {
   "items": [
    {
     "id": "ntc-461ec0bb-908a-44a7-86e8-4705fd590c3b",
     "at": "2026-11-23T11:21:27.442Z",
     "kind": "issued",
     "ticket": "tkt-20c7b896-c47b-4c07-989f-6824aaf6b701",
     "incident": "inc-14050facfbf3e793",
     "title": "关于武汉协同办公遭受SQL 注入的通报",
     "number": "网安通〔2026〕1号",
     "read": false
    }
   ]
  }
 },
 "POST /api/notices/read": {
  "status": 204,
  "body": {
   "ids": [
    "ntc-461ec0bb-908a-44a7-86e8-4705fd590c3b"
   ]
  }
 },
 "POST /api/tickets/:id/attachments": {
  "status": 201,
  "answer": {
   "id": "tkt-20c7b896-c47b-4c07-989f-6824aaf6b701",
   "version": 4,
   "number": "网安通〔2026〕1号",
   "title": "关于武汉协同办公遭受SQL 注入的通报",
   "state": "issued",
   "level": 3,
   "unit": {
    "id": "wuhan",
    "zh": "武汉市",
    "en": "Wuhan"
   },
   "incident": "inc-14050facfbf3e793",
   "createdAt": "2026-11-23T11:21:27.127Z",
   "issuedAt": "2026-11-23T11:21:27.402Z",
   "due": {
    "clock": "acknowledge",
    "at": "2026-11-23T15:21:27.402Z",
    "overdue": false
   },
   "reminded": 0,
   "supervised": false,
   "demo": false,
   "summary": "监测发现，203.0.113.9 对武汉协同办公（10.1.2.3）实施SQL 注入，共 1 条告警、1 次事件。\n研判结论：攻击已得手。\n事件分类：2 网络攻击/漏洞利用（GB/Z 20986-2007：NAI/VAI）。\n攻击技术（ATT&CK）：T1190。",
   "impact": "武汉协同办公的数据和权限可能已被获取，相邻系统存在被横向渗透的风险。",
   "demands": "1. 立即签收并核实情况；\n2. 按时限完成处置，留存日志和样本；\n3. 整改完成后提交反馈，接受复测。",
   "author": {
    "id": "u-ana",
    "account": "ana",
    "name": "ana"
   },
   "approver": {
    "id": "u-ben",
    "account": "ben",
    "name": "ben"
   },
   "copies": "省委网信办",
   "proofs": {
    "shut": false,
    "quiet": false
   },
   "documents": {
    "pdf": "/api/tickets/tkt-20c7b896-c47b-4c07-989f-6824aaf6b701/document?format=pdf",
    "docx": "/api/tickets/tkt-20c7b896-c47b-4c07-989f-6824aaf6b701/document?format=docx"
   },
   "deadlines": [
    {
     "clock": "acknowledge",
     "at": "2026-11-23T15:21:27.402Z",
     "overdue": false
    },
    {
     "clock": "contain",
     "at": "2026-11-24T11:21:27.402Z",
     "overdue": false
    }
   ],
   "attachments": [
    {
     "id": "att-4651b865-4504-41d7-a18d-bd6d6d3bd3f1",
     "name": "r.pdf",
     "bytes": 10,
     "sha256": "fc022288f3e49d09353987de1c32fc1427bd2a8b3657a340e86efb8e34efe003",
     "type": "application/pdf",
     "by": {
      "id": "u-wu",
      "account": "wu",
      "name": "wu"
     },
     "at": "2026-11-23T11:21:30.087Z",
     "href": "/api/attachments/att-4651b865-4504-41d7-a18d-bd6d6d3bd3f1"
    }
   ],
   "history": [
    {
     "at": "2026-11-23T11:21:27.127Z",
     "by": {
      "id": "u-ana",
      "account": "ana",
      "name": "ana"
     },
     "action": "create",
     "to": "draft"
    },
    {
     "at": "2026-11-23T11:21:27.231Z",
     "by": {
      "id": "u-ana",
      "account": "ana",
      "name": "ana"
     },
     "action": "edit",
     "from": "draft",
     "to": "draft",
     "text": "抄送"
    }
   ],
   "actions": [
    "acknowledge"
   ],
   "incidentRow": {
    "id": "inc-14050facfbf3e793",
    "version": 3,
    "state": "remediation",
    "title": {
     "zh": "203.0.113.9 对 10.1.2.3 的SQL 注入（已得手）",
     "en": "203.0.113.9 against 10.1.2.3: sql injection (succeeded)"
    },
    "severity": "high",
    "verdict": "succeeded",
    "level": 3,
    "rank": 13315,
    "attacker": {
     "ip": "203.0.113.9"
    },
    "victim": {
     "ip": "10.1.2.3",
     "unit": {
      "id": "wuhan",
      "zh": "武汉市",
      "en": "Wuhan"
     },
     "system": {
      "id": "whoa",
      "zh": "武汉协同办公",
      "en": "Wuhan office"
     }
    },
    "phases": [
     "access"
    ],
    "classes": [
     "sql_injection"
    ],
    "techniques": [
     "T1190"
    ],
    "alerts": 1,
    "events": 1,
    "firstSeen": "2026-11-23T11:21:23.802Z",
    "lastSeen": "2026-11-23T11:21:23.802Z",
    "owner": {
     "id": "u-ana",
     "account": "ana",
     "name": "ana"
    },
    "escalated": false,
    "reopened": 0,
    "campaign": {
     "id": "inc-14050facfbf3e793",
     "incidents": 2,
     "victims": 2
    },
    "tickets": 1,
    "demo": false
   }
  }
 },
 "GET /api/attachments/:id": {
  "status": 200
 },
 "GET /api/reports": {
  "status": 200,
  "answer": {
   "kind": "daily",
   "title": {
    "zh": "网络安全监测日报",
    "en": "Daily security report"
   },
   "from": "2026-11-21T16:00:00.000Z",
   "to": "2026-11-22T16:00:00.000Z",
   "generatedAt": "2026-11-23T11:21:30.215Z",
   "summary": [
    {
     "zh": "监测到告警 0 条（上期无数据），归并为事件 0 起（上期无数据）。",
     "en": "0 alerts (nothing the time before) in 0 incidents (nothing the time before)."
    },
    {
     "zh": "其中攻击得手 0 起，主机失陷 0 起。",
     "en": "0 attacks succeeded, 0 hosts were compromised."
    }
   ],
   "totals": {
    "alerts": 0,
    "alertsBefore": 0,
    "incidents": 0,
    "incidentsBefore": 0,
    "succeeded": 0,
    "compromised": 0,
    "tickets": 0,
    "closed": 0,
    "overdue": 0,
    "nodes": 3,
    "nodesUp": 3
   },
   "bySeverity": [],
   "byVerdict": [],
   "byClass": [],
   "byUnit": [],
   "attackers": [],
   "victims": [],
   "trend": [
    [
     1795276800000,
     0
    ],
    [
     1795280400000,
     0
    ]
   ],
   "incidents": [],
   "tickets": [],
   "times": {
    "tickets": 0
   },
   "league": [],
   "recurrence": [],
   "rules": [],
   "assets": []
  }
 },
 "GET /api/reports/file": {
  "status": 200
 },
 "POST /api/report-schedules": {
  "status": 201,
  "body": {
   "name": "日报",
   "kind": "daily",
   "formats": [
    "html"
   ],
   "at": 480,
   "enabled": true
  },
  "answer": {
   "name": "日报",
   "kind": "daily",
   "formats": [
    "html"
   ],
   "at": 480,
   "enabled": true,
   "id": "sch-26355acf-4f95-42df-9ed0-c220670862f6",
   "by": {
    "id": "u-ana",
    "account": "ana",
    "name": "ana"
   },
   "nextAt": "2026-11-24T00:00:00.000Z"
  }
 },
 "PUT /api/report-schedules/:id": {
  "status": 200,
  "body": {
   "name": "日报",
   "kind": "daily",
   "formats": [
    "html"
   ],
   "at": 480,
   "enabled": true
  },
  "answer": {
   "name": "日报",
   "kind": "daily",
   "formats": [
    "html"
   ],
   "at": 480,
   "enabled": true,
   "id": "sch-26355acf-4f95-42df-9ed0-c220670862f6",
   "by": {
    "id": "u-ana",
    "account": "ana",
    "name": "ana"
   },
   "nextAt": "2026-11-24T00:00:00.000Z"
  }
 },
 "GET /api/report-schedules": {
  "status": 200,
  "answer": [
   {
    "name": "日报",
    "kind": "daily",
    "formats": [
     "html"
    ],
    "at": 480,
    "enabled": true,
    "id": "sch-26355acf-4f95-42df-9ed0-c220670862f6",
    "by": {
     "id": "u-ana",
     "account": "ana",
     "name": "ana"
    },
    "nextAt": "2026-11-24T00:00:00.000Z"
   }
  ]
 },
 "PUT /api/settings/remediation": {
  "status": 200,
  "body": {
   "version": 0,
   "settings": {
    "number": "网安通〔{year}〕{seq}号",
    "series": "year",
    "head": "网络安全监测通报",
    "issuer": "网络安全监测中心",
    "deadlines": {
     "1": {
      "acknowledge": 15,
      "contain": 60,
      "rectify": 1440
     },
     "2": {
      "acknowledge": 30,
      "contain": 240,
      "rectify": 4320
     },
     "3": {
      "acknowledge": 240,
      "contain": 1440,
      "rectify": 10080
     },
     "4": {
      "acknowledge": 1440,
      "contain": 4320,
      "rectify": 20160
     }
    },
    "workingTime": {
     "1": false,
     "2": false,
     "3": false,
     "4": false
    },
    "calendar": {
     "from": 540,
     "to": 1020,
     "offset": 480,
     "weekdays": [
      1,
      2
     ],
     "holidays": [],
     "workdays": []
    },
    "escalation": {
     "remindAt": 75,
     "superviseAfter": 0
    }
   }
  },
  "answer": {
   "settings": {
    "number": "网安通〔{year}〕{seq}号",
    "series": "year",
    "head": "网络安全监测通报",
    "issuer": "网络安全监测中心",
    "deadlines": {
     "1": {
      "acknowledge": 15,
      "contain": 60,
      "rectify": 1440
     },
     "2": {
      "acknowledge": 30,
      "contain": 240,
      "rectify": 4320
     },
     "3": {
      "acknowledge": 240,
      "contain": 1440,
      "rectify": 10080
     },
     "4": {
      "acknowledge": 1440,
      "contain": 4320,
      "rectify": 20160
     }
    },
    "workingTime": {
     "1": false,
     "2": false,
     "3": false,
     "4": false
    },
    "calendar": {
     "from": 540,
     "to": 1020,
     "offset": 480,
     "weekdays": [
      1,
      2
     ],
     "holidays": [],
     "workdays": []
    },
    "escalation": {
     "remindAt": 75,
     "superviseAfter": 0
    }
   },
   "version": 1,
   "changedAt": "2026-11-23T11:21:31.660Z",
   "by": {
    "id": "u-sec",
    "account": "sec",
    "name": "sec"
   }
  }
 },
 "POST /api/channels": {
  "status": 201,
  "body": {
   "name": "EVE",
   "kind": "eve_file",
   "enabled": true,
   "events": [
    "alert"
   ],
   "target": {
    "file": "eve.json"
   }
  },
  "answer": {
   "name": "EVE",
   "kind": "eve_file",
   "enabled": true,
   "events": [
    "alert"
   ],
   "target": {
    "file": "eve.json"
   },
   "id": "chn-7aef2215-9c0c-49fb-acfa-3a086639b924",
   "hasSecret": false,
   "waiting": 0,
   "done": 0,
   "failed": 0
  }
 },
 "PUT /api/channels/:id": {
  "status": 200,
  "body": {
   "name": "EVE",
   "kind": "eve_file",
   "enabled": true,
   "events": [
    "alert",
    "incident"
   ],
   "target": {
    "file": "eve.json"
   }
  },
  "answer": {
   "name": "EVE",
   "kind": "eve_file",
   "enabled": true,
   "events": [
    "alert",
    "incident"
   ],
   "target": {
    "file": "eve.json"
   },
   "id": "chn-7aef2215-9c0c-49fb-acfa-3a086639b924",
   "hasSecret": false,
   "waiting": 0,
   "done": 0,
   "failed": 0
  }
 },
 "POST /api/channels/:id/test": {
  "status": 200,
  "body": {},
  "answer": {
   "ok": true,
   "ms": 3
  }
 },
 "GET /api/channels/:id/deliveries": {
  "status": 200,
  "answer": []
 },
 "GET /api/channels": {
  "status": 200,
  "answer": [
   {
    "name": "EVE",
    "kind": "eve_file",
    "enabled": true,
    "events": [
     "alert",
     "incident"
    ],
    "target": {
     "file": "eve.json"
    },
    "id": "chn-7aef2215-9c0c-49fb-acfa-3a086639b924",
    "hasSecret": false,
    "waiting": 0,
    "done": 0,
    "failed": 0
   }
  ]
 },
 "DELETE /api/channels/:id": {
  "status": 204
 },
 "GET /api/users": {
  "status": 200,
  "answer": [
   {
    "id": "u-ana",
    "account": "ana",
    "name": "ana",
    "roles": [
     "analyst"
    ],
    "disabled": false,
    "totp": false,
    "createdAt": "2026-11-23T11:21:22.816Z",
    "lastLoginAt": "2026-11-23T11:21:23.052Z"
   },
   {
    "id": "u-aud",
    "account": "aud",
    "name": "aud",
    "roles": [
     "auditor"
    ],
    "disabled": false,
    "totp": false,
    "createdAt": "2026-11-23T11:21:23.595Z",
    "lastLoginAt": "2026-11-23T11:21:23.674Z"
   }
  ]
 },
 "GET /api/store": {
  "status": 200,
  "answer": {
   "engine": "sqlite",
   "schema": 5,
   "bytes": 1314288,
   "evidenceBytes": 112,
   "alerts": 2,
   "incidents": 2,
   "tickets": 1,
   "audit": 34,
   "oldestAlert": "2026-11-23T11:21:23.802Z"
  }
 },
 "GET /api/retention": {
  "status": 200,
  "answer": {
   "policy": {
    "alerts": 183,
    "evidence": 183,
    "incidents": 1096,
    "automatic": false
   }
  }
 },
 "GET /api/backups": {
  "status": 200,
  "answer": []
 },
 "GET /api/resets": {
  "status": 200,
  "answer": []
 },
 "POST /api/users": {
  "status": 201,
  "body": {
   "account": "zhou",
   "name": "周",
   "password": "…"
  },
  "answer": {
   "id": "u-7f3e7568-848b-4c6a-b1e8-a4e21899b0a0",
   "account": "zhou",
   "name": "周",
   "roles": [],
   "disabled": false,
   "totp": false,
   "createdAt": "2026-11-23T11:21:32.277Z"
  }
 },
 "PATCH /api/users/:id": {
  "status": 200,
  "body": {
   "name": "周工"
  },
  "answer": {
   "id": "u-7f3e7568-848b-4c6a-b1e8-a4e21899b0a0",
   "account": "zhou",
   "name": "周工",
   "roles": [],
   "disabled": false,
   "totp": false,
   "createdAt": "2026-11-23T11:21:32.277Z"
  }
 },
 "PUT /api/users/:id/roles": {
  "status": 200,
  "body": {
   "roles": [
    "operator"
   ]
  },
  "answer": {
   "id": "u-7f3e7568-848b-4c6a-b1e8-a4e21899b0a0",
   "account": "zhou",
   "name": "周工",
   "roles": [
    "operator"
   ],
   "disabled": false,
   "totp": false,
   "createdAt": "2026-11-23T11:21:32.277Z"
  }
 },
 "GET /api/sessions/all": {
  "status": 200,
  "answer": [
   {
    "id": "46cfe251e4a4",
    "user": {
     "id": "u-wu",
     "account": "wu",
     "name": "wu"
    },
    "createdAt": "2026-11-23T11:21:23.797Z",
    "lastSeenAt": "2026-11-23T11:21:23.797Z",
    "address": "127.0.0.1",
    "agent": "lightMyRequest"
   },
   {
    "id": "eee2c0469ce7",
    "user": {
     "id": "u-aud",
     "account": "aud",
     "name": "aud"
    },
    "createdAt": "2026-11-23T11:21:23.673Z",
    "lastSeenAt": "2026-11-23T11:21:23.673Z",
    "address": "127.0.0.1",
    "agent": "lightMyRequest"
   }
  ]
 },
 "POST /api/users/:id/reset": {
  "status": 201,
  "body": {},
  "answer": {
   "id": "rst-74e6497c-da4f-4e3a-ad8d-4ea6ab5c7c47",
   "user": {
    "id": "u-7f3e7568-848b-4c6a-b1e8-a4e21899b0a0",
    "account": "zhou",
    "name": "周工"
   },
   "askedBy": {
    "id": "u-sys",
    "account": "sys",
    "name": "sys"
   },
   "askedAt": "2026-11-23T11:21:32.472Z",
   "expires": "2026-11-24T11:21:32.472Z",
   "state": "asked",
   "half": "…"
  }
 },
 "POST /api/resets/:id/approve": {
  "status": 200,
  "body": {},
  "answer": {
   "id": "rst-74e6497c-da4f-4e3a-ad8d-4ea6ab5c7c47",
   "user": {
    "id": "u-7f3e7568-848b-4c6a-b1e8-a4e21899b0a0",
    "account": "zhou",
    "name": "周工"
   },
   "askedBy": {
    "id": "u-sys",
    "account": "sys",
    "name": "sys"
   },
   "askedAt": "2026-11-23T11:21:32.472Z",
   "approvedBy": {
    "id": "u-sec",
    "account": "sec",
    "name": "sec"
   },
   "expires": "2026-11-24T11:21:32.472Z",
   "state": "approved",
   "half": "…"
  }
 },
 "DELETE /api/users/:id/totp": {
  "status": 200,
  "answer": {
   "done": true
  }
 },
 "DELETE /api/users/:id/sessions": {
  "status": 204
 },
 "PUT /api/retention": {
  "status": 200,
  "body": {
   "policy": {
    "alerts": 183,
    "evidence": 183,
    "incidents": 1096,
    "automatic": false
   }
  },
  "answer": {
   "policy": {
    "alerts": 183,
    "evidence": 183,
    "incidents": 1096,
    "automatic": false
   },
   "changedAt": "2026-11-23T11:21:32.634Z",
   "by": {
    "id": "u-sys",
    "account": "sys",
    "name": "sys"
   }
  }
 },
 "POST /api/retention/runs": {
  "status": 200,
  "body": {
   "dryRun": true
  },
  "answer": {
   "at": "2026-11-23T11:21:32.673Z",
   "dryRun": true,
   "alerts": 0,
   "evidence": 0,
   "evidenceBytes": 0,
   "incidents": 0,
   "tickets": 0,
   "before": {
    "alerts": "2026-05-24T11:21:32.673Z",
    "evidence": "2026-05-24T11:21:32.673Z",
    "incidents": "2023-11-23T11:21:32.673Z"
   }
  }
 },
 "POST /api/backups": {
  "status": 201,
  "body": {},
  "answer": {
   "name": "backup-2026-11-23T11-21-32-707Z",
   "at": "2026-11-23T11:21:32.708Z",
   "bytes": 414001,
   "files": 5,
   "sha256": "9cf43d7a1b1e9ec48a0a3af6a209d93994490a6f1b9265092adf82ecd6b32509"
  }
 },
 "PUT /api/units/:id": {
  "status": 200,
  "body": {
   "zh": "孝感市",
   "en": "Xiaogan",
   "parent": "hubei"
  },
  "answer": {
   "version": 2,
   "applied": true,
   "units": 5,
   "systems": 3,
   "added": [
    "unit xiaogan"
   ],
   "removed": [],
   "changed": [],
   "warnings": []
  }
 },
 "PUT /api/systems/:id": {
  "status": 200,
  "body": {
   "zh": "孝感门户",
   "en": "Xiaogan portal",
   "unit": "xiaogan",
   "ranges": [
    "10.3.0.0/16"
   ]
  },
  "answer": {
   "version": 3,
   "applied": true,
   "units": 5,
   "systems": 4,
   "added": [
    "system xgweb"
   ],
   "removed": [],
   "changed": [],
   "warnings": []
  }
 },
 "DELETE /api/systems/:id": {
  "status": 200,
  "answer": {
   "version": 4,
   "applied": true,
   "units": 5,
   "systems": 3,
   "added": [],
   "removed": [
    "system xgweb"
   ],
   "changed": [],
   "warnings": []
  }
 },
 "DELETE /api/units/:id": {
  "status": 200,
  "answer": {
   "version": 5,
   "applied": true,
   "units": 4,
   "systems": 3,
   "added": [],
   "removed": [
    "unit xiaogan"
   ],
   "changed": [],
   "warnings": []
  }
 },
 "PUT /api/registry": {
  "status": 200,
  "body": {
   "format": "yaml",
   "text": "{\"units\":[{\"id\":\"hubei\",\"zh\":\"湖北省\",\"en\":\"Hubei\",\"kind\":\"province\"},{\"id\":\"wuhan\",\"zh\":\"武汉市\",\"en\":\"Wuhan\",\"parent\":\"hubei\",\"kind\":\"city\"},{\"id\":\"jiangh…",
   "dryRun": true
  },
  "answer": {
   "version": 5,
   "applied": false,
   "units": 4,
   "systems": 3,
   "added": [],
   "removed": [],
   "changed": [],
   "warnings": []
  }
 },
 "DELETE /api/demo": {
  "status": 200,
  "answer": {
   "alerts": 0,
   "incidents": 0,
   "tickets": 0,
   "evidence": 0,
   "metrics": true
  }
 },
 "GET /api/audit": {
  "status": 200,
  "answer": {
   "items": [
    {
     "seq": 50,
     "at": "2026-11-23T11:21:33.351Z",
     "actor": {
      "id": "u-sys",
      "account": "sys",
      "name": "sys"
     },
     "address": "127.0.0.1",
     "action": "DELETE /api/demo",
     "outcome": "done",
     "details": {
      "alerts": 0,
      "incidents": 0,
      "tickets": 0,
      "evidence": 0,
      "metrics": true
     },
     "hash": "a0994349fca8972522817efbccc9bb35cfc03641614b6f1c56601306a1e264de"
    },
    {
     "seq": 49,
     "at": "2026-11-23T11:21:33.293Z",
     "actor": {
      "id": "u-sys",
      "account": "sys",
      "name": "sys"
     },
     "address": "127.0.0.1",
     "action": "PUT /api/registry",
     "outcome": "done",
     "details": {},
     "hash": "63d8f73884ff13f227eeecde4c8e4b05c7e98ffd1a22ff50278a870397227e2d"
    }
   ]
  }
 },
 "GET /api/audit/verification": {
  "status": 200,
  "answer": {
   "intact": true,
   "entries": 50,
   "head": "a0994349fca8972522817efbccc9bb35cfc03641614b6f1c56601306a1e264de"
  }
 },
 "GET /api/audit/export": {
  "status": 200
 },
 "POST /api/totp": {
  "status": 200,
  "body": {
   "password": "…"
  },
  "answer": {
   "secret": "…",
   "uri": "otpauth://totp/Shouwang:ben?secret=…&issuer=Shouwang",
   "qr": "data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCAzOSAzOSIgc2hhcGUtcmVuZGVyaW5nPSJjcmlzcEVkZ2VzIj48cGF0…"
  }
 },
 "POST /api/totp/confirm": {
  "status": 200,
  "body": {
   "code": "080868"
  },
  "answer": {
   "codes": [
    "2at63-5fsgn",
    "9yv33-he54c"
   ]
  }
 },
 "DELETE /api/totp": {
  "status": 204,
  "body": {
   "password": "…",
   "code": "155832"
  }
 },
 "POST /api/tokens": {
  "status": 201,
  "body": {
   "name": "siem",
   "scopes": [
    "alert.read"
   ],
   "expires": "2026-11-24T11:22:34.884Z"
  },
  "answer": {
   "id": "tok-6bb9e0eb-8b0a-4baf-a728-7cf2dd111b0f",
   "name": "siem",
   "scopes": [
    "alert.read"
   ],
   "createdAt": "2026-11-23T11:22:34.894Z",
   "expires": "2026-11-24T11:22:34.884Z",
   "token": "…"
  }
 },
 "DELETE /api/tokens/:id": {
  "status": 204
 },
 "POST /api/password": {
  "status": 200,
  "body": {
   "current": "…",
   "next": "…"
  },
  "answer": {
   "setupRequired": false,
   "separation": "appliance",
   "version": "0.1.0",
   "demo": false,
   "passwordPolicy": {
    "minLength": 10,
    "classes": 3,
    "maxAgeDays": 0,
    "history": 5
   },
   "permissions": [
    "overview.read",
    "alert.read"
   ],
   "user": {
    "id": "u-ben",
    "account": "ben",
    "name": "ben",
    "roles": [
     "operator"
    ],
    "disabled": false,
    "totp": false,
    "createdAt": "2026-11-23T11:21:23.182Z",
    "lastLoginAt": "2026-11-23T11:21:23.261Z"
   },
   "csrf": "…",
   "expiresAt": "2026-11-23T23:21:23.260Z",
   "mustChangePassword": false,
   "unreadNotices": 1
  }
 },
 "POST /api/login": {
  "status": 200,
  "body": {
   "account": "ben",
   "password": "…"
  },
  "answer": {
   "setupRequired": false,
   "separation": "appliance",
   "version": "0.1.0",
   "demo": false,
   "passwordPolicy": {
    "minLength": 10,
    "classes": 3,
    "maxAgeDays": 0,
    "history": 5
   },
   "permissions": [
    "overview.read",
    "alert.read"
   ],
   "user": {
    "id": "u-ben",
    "account": "ben",
    "name": "ben",
    "roles": [
     "operator"
    ],
    "disabled": false,
    "totp": false,
    "createdAt": "2026-11-23T11:21:23.182Z",
    "lastLoginAt": "2026-11-23T11:22:35.440Z"
   },
   "csrf": "…",
   "expiresAt": "2026-11-23T23:22:35.423Z",
   "mustChangePassword": false,
   "unreadNotices": 1
  }
 },
 "POST /api/setup": {
  "status": 200,
  "body": {
   "code": "ABCD-EFGH-JKLM",
   "account": "chief",
   "name": "主管",
   "password": "…"
  },
  "answer": {
   "setupRequired": false,
   "separation": "appliance",
   "version": "0.1.0",
   "demo": false,
   "passwordPolicy": {
    "minLength": 10,
    "classes": 3,
    "maxAgeDays": 0,
    "history": 5
   },
   "permissions": [
    "overview.read",
    "alert.read"
   ],
   "user": {
    "id": "u-ben",
    "account": "ben",
    "name": "ben",
    "roles": [
     "operator"
    ],
    "disabled": false,
    "totp": false,
    "createdAt": "2026-11-23T11:21:23.182Z",
    "lastLoginAt": "2026-11-23T11:22:35.440Z"
   },
   "csrf": "…",
   "expiresAt": "2026-11-23T23:22:35.423Z",
   "mustChangePassword": false,
   "unreadNotices": 1
  }
 },
 "POST /api/reset": {
  "status": 204,
  "body": {
   "account": "zhou",
   "code": "…",
   "code2": "…",
   "password": "…"
  }
 },
 "DELETE /api/sessions/:id": {
  "status": 204
 },
 "GET /api/report-archive": {
  "status": 200,
  "answer": [
   {
    "id": "rpt-42e25c06-f4d7-4224-810a-17298d8ba3f1",
    "name": "日报",
    "kind": "daily",
    "format": "html",
    "from": "2026-11-22T16:00:00.000Z",
    "to": "2026-11-23T16:00:00.000Z",
    "at": "2026-11-24T11:22:35.925Z",
    "bytes": 5383,
    "sha256": "f3602922dfbb2e2317698f77a3aef9de0caf7ac4ea34f58534c7522f8cadce43",
    "href": "/api/report-archive/rpt-42e25c06-f4d7-4224-810a-17298d8ba3f1/file"
   }
  ]
 },
 "GET /api/report-archive/:id/file": {
  "status": 200
 },
 "DELETE /api/report-schedules/:id": {
  "status": 204
 },
 "POST /api/logout": {
  "status": 200,
  "body": {},
  "answer": {
   "setupRequired": false,
   "separation": "appliance",
   "version": "0.1.0",
   "demo": false,
   "passwordPolicy": {
    "minLength": 10,
    "classes": 3,
    "maxAgeDays": 0,
    "history": 5
   },
   "permissions": []
  }
 }
};
