# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The words that providers use in the names of parameters, headers and JSON members.

A name is looked up as a whole, without its punctuation, and by its words.
"""


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


FROM = words('''
    from sender source src originator origin originating orig remitente expediteur emetteur absender gonderen
    remetente cli callerid oa tpoa did mask masking shortcode fr frm
''')
TO = words('''
    to tos recipient recipients receiver receivers recepient recepients destination destinations dest dests dst da
    destinatario destinatarios destinataire destinataires addressee addressees target targets para empfaenger alici
    destino tujuan sendto recv rcpt receipient receptor receptors
''')
PHONE = words('''
    phone phones number numbers msisdn msisdns mobile mobiles mobil mob cell cellphone cellphones cellular gsm tel
    telephone telephones telefon telefone telefono celular handphone hp num nums nomor numero numeros no nos
    phonenumber phonenumbers mobilenumber mobilenumbers mobileno mobilenos phoneno cellno gsmno contact contacts
    subscriber subscribers smsto receivernumber handset rufnummer numbersto address addresses addr mobno
''')
# What only a recipient is called.
STRONG = words('to recipient recipients msisdn msisdns mobiles destination destinations')
# Of these a name needs no other word to be a recipient's.
PHONE_ALONE = PHONE - words('no nos num nums addresses addr contact contacts')
TEXT = words('''
    text message messages msg msgs body content contents txt sms mensaje mensagem mesaj texto textos contenido
    conteudo pesan nachricht messagetext messagebody msgtext msgbody smstext smsbody smsmessage shortmessage
    txtmessage textmessage messagecontent smscontent msgcontent smscontents ud msgdata tekst
    testo messaggio messagepart tresc isi mes userdata
''')
KEYS = words('''
    key apikey authkey accesskey appkey userkey appsid apicode clientkey licensekey licencekey api authenticationkey
    authorizationkey subscriptionkey apikeys accesskeyid workingkey integrationkey restkey privatekey publickey
    keyid apiid smskey developerkey
''')
TOKENS = words('''
    token authtoken accesstoken apitoken producttoken bearertoken usertoken bearer jwt authorization authorisation
    authentication auth sessionid sessionkey session smstoken apiauth access tokenid wallet authcode tokens
''')
PASSWORDS = words('''
    password pass passwd passwort pwd pw psw passphrase passcode secret apisecret apipassword clientsecret secretkey
    authpassword apipass authsecret userpassword passkey sifre parola senha clave contrasena motdepasse mdp haslo
    kennwort wachtwoord heslo hash pin apipwd userpwd userpass smspassword loginpassword appsecret secrettoken
    apikeysecret accesssecret accesskeysecret
''')
# What a user name is called.
USERS = words('''
    username user login userid loginid usr uname userlogin apiuser authuser usercode clientid apiusername
    authusername loginname kullaniciadi usuario utilisateur benutzername useremail loginemail uid authid
    smsuser smsusername appid
''')
ACCOUNT_WORDS = words('''
    account accounts acct subaccount subaccounts project projects customer organization organisation org orgid
    tenant workspace workspaces company business plan serviceplan space merchant environment accountsid accountid
    sid client service services sp app application profile channel instance reseller vendor connection
''')
ACCOUNT_ALONE = words('''
    account accounts accountid accountsid accountno subaccount subaccountid projectid serviceplanid sid acct
    workspaceid organizationid tenantid customerid orgid project accountname workspace tenant
''')
ID_WORDS = words('id sid uid no number code name ref uuid ident identifier')
CALLBACK_WORDS = words('''
    callback callbacks webhook webhooks notify notification notifications dlr delivery drurl dlrurl callbackurl
    statuscallback statuscallbackurl webhookurl notifyurl notificationurl reporturl deliveryurl statusurl report
    reports receipt receipts status whendelivered statusreporturl deliveryreporturl deliveryreport dr reply pushurl
    push hook postback callbackuri deliveryreceipturl weburl
''')
URL_WORDS = words('url uri link endpoint address href')
REFERENCE = words('''
    reference ref clientref clientreference custref customref externalid externalref userref userreference
    correlationid transactionid trxid trackingid messageid msgid smsid requestid idempotencykey idempotency reqid
    clientmessageid uniqueid customid clientmsgid customerreference foreignid customermessageid climsgid msgref
    messageref externalmessageid refid partnermsgid reqno txnid clientmessageref uid callbackdata batchref
    customeruniqueid clientreferenceid customeruuid personalid extid extref correlator clientcorrelator localid
    refno outboundid
''')
# The last word of a name that says something about a value, not the value.
PLAIN = words('''
    type types format encoding coding class route channel count parts length language lang locale unicode flash test
    dlr priority validity country region mode version method template title subject pool ton npi enabled required
    mime schedule time date timestamp option options category limit flag response output
''')
SENDER_NAMES = words('''
    linenumber line header msgheader smsheader callerid headername brandname brand smssender signature smssignature
    alphaname alpha signname accountphone accountnumber ownnumber ournumber virtualnumber
''')
