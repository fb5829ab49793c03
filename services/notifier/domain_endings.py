"""Endings of domains that anybody can register under: Slack links them without a scheme, too.

Every country's, and the generic ones of IANA's root zone as of 2026. Brands' own are left out:
nobody else gets a name under them. Those in other scripts `links` knows by their letters.
"""

_NAMES = """
aaa ac academy accountant accountants actor ad adult ae aero af africa ag agency ai airforce al am
amsterdam analytics ao apartments app aq ar arab archi army art as asia associates at attorney au
auction audible audio author auto autos aw ax az ba baby band bank bar barcelona bargains baseball
basketball bayern bb bd be beauty beer berlin best bet bf bg bh bi bible bid bike bingo bio biz bj
black blackfriday blog blue bm bn bo boats bond boo book boston bot boutique box br broadway
broker brussels bs bt build builders business buy buzz bw by bz ca cab cafe call cam camera camp
cancerresearch capetown capital car cards care career careers cars casa case cash casino cat
catering catholic cc cd center ceo cf cfd cg ch channel charity chat cheap christmas church ci
circle city ck cl claims cleaning click clinic clothing cloud club cm cn co coach codes coffee
college cologne com community company compare computer condos construction consulting contact
contractors cooking cool coop corsica country coupon coupons courses cpa cr credit creditcard
creditunion cricket crown cruise cruises cu cv cw cx cy cymru cz dad dance data date dating day
dclk dds de deal dealer deals degree delivery democrat dental dentist desi design dev diamonds
diet digital direct directory discount diy dj dk dm do docs doctor dog domains dot download drive
durban dz earth eat ec eco edu education ee eg email energy engineer engineering enterprises
equipment er es estate et eu eus events example exchange expert exposed express fail faith family
fan fans farm fashion fast feedback fi film final finance financial fire fish fishing fit fitness
fj fk flights florist flowers fly fm fo foo food football forex forsale forum foundation fr free
frl fun fund furniture futbol fyi ga gal gallery game games garden gay gd gdn ge gf gg gh gi gift
gifts gives giving gl glass global gm gmbh gn gold golf gop gov gp gq gr graphics gratis green
gripe grocery group gs gt gu guide guitars guru gw gy hair hamburg hangout haus health healthcare
help helsinki here hiphop hiv hk hm hn hockey holdings holiday homes horse hospital host hosting
hot hotel hotels house how hr ht hu ice icu id ie il im immo immobilien in inc industries info ing
ink institute insurance insure int international investments io iq ir irish is ist istanbul it je
jetzt jewelry jm jo jobs joburg jot joy jp juegos kaufen ke kg kh ki kids kim kitchen kiwi km kn
koeln kp kr krd kw ky kyoto kz la land lat latino law lawyer lb lc lease legal lgbt li life
lifestyle lighting like limited limo link live living lk llc llp loan loans locker lol london
lotto love lr ls lt ltd ltda lu luxe luxury lv ly ma madrid maison makeup management map market
marketing markets mba mc md me med media meet melbourne meme memorial men menu mg mh miami mil mk
ml mls mm mn mo mobi mobile moda moe moi mom monash money monster mormon mortgage moscow moto
motorcycles mov movie mp mq mr ms mt mu museum music mv mw mx my mz na nagoya name navy nc ne net
network neustar new news nf ng ngo ni ninja nl no now nowruz np nr nrw nu nyc nz observer okinawa
om one ong onl online ooo open org organic osaka ott pa page paris pars partners parts party pay
pe pet pf pg ph pharmacy phd phone photo photography photos physio pics pictures pid pin pink
pizza pk pl place play plumbing plus pm pn poker porn post pr press prime pro prod productions
prof promo properties property protection ps pt pub pw py qa qpon quebec quest racing radio re
read realestate realtor realty recipes red rehab reise reisen reit ren rent rentals repair report
republican rest restaurant review reviews rich rip ro rocks rodeo room rs rsvp ru rugby ruhr run
rw ryukyu sa saarland safe sale salon sarl save sb sbs sc school schule science scot sd se search
secure security select services sew sex sexy sg sh shiksha shoes shop shopping show si silk
singles site sj sk ski skin sl sm smile sn so soccer social software solar solutions song soy spa
space sport spot spreadbetting sr srl ss st stockholm storage store stream studio study style su
sucks supplies supply support surf surgery sv swiss sx sy sydney systems sz taipei talk tatar
tattoo tax taxi tc td team tech technology tel tennis test tf tg th theater theatre tickets tienda
tips tires tirol tj tk tl tm tn to today tokyo tools top tours town toys tr trade trading training
travel trust tt tube tunes tv tw tz ua ug uk university uno us uy uz va vacations vana vc ve vegas
ventures versicherung vet vg vi viajes video villas vin vip vision viva vlaanderen vn vodka vote
voting voto voyage vu wales wang watch watches weather web webcam website wed wedding weibo wf
wiki win wine winners work works world wow ws wtf xin xxx xyz yachts ye yoga yokohama you yt yun
za zero zip zm zone zuerich zw
"""
ENDINGS = frozenset(_NAMES.split())
