//! Number ranges by their first digits: facts of the ITU and the North American Numbering Plan.

use super::Destination::{self, NonGeographic, PremiumRate};

const fn country(code: &[u8; 2]) -> Destination {
    Destination::Country(super::Country(*code))
}

/// Rows in numerical order, so that a search may halve them; done by the compiler.
const fn sorted<const N: usize>(mut rows: [(u32, Destination); N]) -> [(u32, Destination); N] {
    let mut end = 1;
    while end < N {
        let mut at = end;
        while at > 0 && rows[at].0 < rows[at - 1].0 {
            let row = rows[at];
            rows[at] = rows[at - 1];
            rows[at - 1] = row;
            at -= 1;
        }
        end += 1;
    }
    rows
}

/// Ranges outside +1. The longest one that begins a number counts.
///
/// ITU-T E.164 list of assigned codes; the finer rows split codes that several countries share and
/// mark the premium-rate ranges that can be told by their first digits.
#[rustfmt::skip]
pub(super) static WORLD: &[(u32, Destination)] = &sorted([
    (20, country(b"EG")), (211, country(b"SS")), (212, country(b"MA")), (213, country(b"DZ")),
    (216, country(b"TN")), (218, country(b"LY")), (220, country(b"GM")), (221, country(b"SN")),
    (222, country(b"MR")), (223, country(b"ML")), (224, country(b"GN")), (225, country(b"CI")),
    (226, country(b"BF")), (227, country(b"NE")), (228, country(b"TG")), (229, country(b"BJ")),
    (230, country(b"MU")), (231, country(b"LR")), (232, country(b"SL")), (233, country(b"GH")),
    (234, country(b"NG")), (235, country(b"TD")), (236, country(b"CF")), (237, country(b"CM")),
    (238, country(b"CV")), (239, country(b"ST")), (240, country(b"GQ")), (241, country(b"GA")),
    (242, country(b"CG")), (243, country(b"CD")), (244, country(b"AO")), (245, country(b"GW")),
    (246, country(b"IO")), (247, country(b"SH")), (248, country(b"SC")), (249, country(b"SD")),
    (250, country(b"RW")), (251, country(b"ET")), (252, country(b"SO")), (253, country(b"DJ")),
    (254, country(b"KE")), (255, country(b"TZ")), (256, country(b"UG")), (257, country(b"BI")),
    (258, country(b"MZ")), (260, country(b"ZM")), (261, country(b"MG")), (262, country(b"RE")),
    (262269, country(b"YT")), (262639, country(b"YT")), (263, country(b"ZW")),
    (264, country(b"NA")), (265, country(b"MW")), (266, country(b"LS")), (267, country(b"BW")),
    (268, country(b"SZ")), (269, country(b"KM")), (27, country(b"ZA")), (290, country(b"SH")),
    (291, country(b"ER")), (297, country(b"AW")), (298, country(b"FO")), (299, country(b"GL")),
    (30, country(b"GR")), (31, country(b"NL")), (31900, PremiumRate), (31906, PremiumRate),
    (31909, PremiumRate), (32, country(b"BE")), (3290, PremiumRate), (33, country(b"FR")),
    (3389, PremiumRate), (34, country(b"ES")), (34803, PremiumRate), (34806, PremiumRate),
    (34807, PremiumRate), (34905, PremiumRate), (350, country(b"GI")), (351, country(b"PT")),
    (352, country(b"LU")), (353, country(b"IE")), (354, country(b"IS")), (355, country(b"AL")),
    (356, country(b"MT")), (357, country(b"CY")), (358, country(b"FI")), (35818, country(b"AX")),
    (359, country(b"BG")), (36, country(b"HU")), (370, country(b"LT")), (371, country(b"LV")),
    (372, country(b"EE")), (373, country(b"MD")), (374, country(b"AM")), (375, country(b"BY")),
    (376, country(b"AD")), (377, country(b"MC")), (378, country(b"SM")), (379, country(b"VA")),
    (380, country(b"UA")), (381, country(b"RS")), (382, country(b"ME")), (383, country(b"XK")),
    (385, country(b"HR")), (386, country(b"SI")), (387, country(b"BA")), (389, country(b"MK")),
    (39, country(b"IT")), (3906698, country(b"VA")), (39892, PremiumRate), (39895, PremiumRate),
    (39899, PremiumRate), (40, country(b"RO")), (41, country(b"CH")), (41900, PremiumRate),
    (41901, PremiumRate), (41906, PremiumRate), (420, country(b"CZ")), (421, country(b"SK")),
    (423, country(b"LI")), (43, country(b"AT")), (43900, PremiumRate), (43901, PremiumRate),
    (43930, PremiumRate), (43931, PremiumRate), (44, country(b"GB")), (441481, country(b"GG")),
    (441534, country(b"JE")), (441624, country(b"IM")), (447624, country(b"IM")),
    (447781, country(b"GG")), (447797, country(b"JE")), (449, PremiumRate),
    (45, country(b"DK")), (46, country(b"SE")), (46900, PremiumRate), (46939, PremiumRate),
    (46944, PremiumRate), (47, country(b"NO")), (4779, country(b"SJ")), (48, country(b"PL")),
    (4870, PremiumRate), (49, country(b"DE")), (49900, PremiumRate), (500, country(b"FK")),
    (501, country(b"BZ")), (502, country(b"GT")), (503, country(b"SV")), (504, country(b"HN")),
    (505, country(b"NI")), (506, country(b"CR")), (507, country(b"PA")), (508, country(b"PM")),
    (509, country(b"HT")), (51, country(b"PE")), (52, country(b"MX")), (53, country(b"CU")),
    (54, country(b"AR")), (55, country(b"BR")), (56, country(b"CL")), (57, country(b"CO")),
    (58, country(b"VE")), (590, country(b"GP")), (591, country(b"BO")), (592, country(b"GY")),
    (593, country(b"EC")), (594, country(b"GF")), (595, country(b"PY")), (596, country(b"MQ")),
    (597, country(b"SR")), (598, country(b"UY")), (599, country(b"BQ")), (5999, country(b"CW")),
    (60, country(b"MY")), (61, country(b"AU")), (6119, PremiumRate), (6189162, country(b"CC")),
    (6189164, country(b"CX")), (62, country(b"ID")), (63, country(b"PH")), (64, country(b"NZ")),
    (64900, PremiumRate), (65, country(b"SG")), (66, country(b"TH")), (670, country(b"TL")),
    (672, country(b"NF")), (6721, country(b"AQ")), (673, country(b"BN")), (674, country(b"NR")),
    (675, country(b"PG")), (676, country(b"TO")), (677, country(b"SB")), (678, country(b"VU")),
    (679, country(b"FJ")), (680, country(b"PW")), (681, country(b"WF")), (682, country(b"CK")),
    (683, country(b"NU")), (685, country(b"WS")), (686, country(b"KI")), (687, country(b"NC")),
    (688, country(b"TV")), (689, country(b"PF")), (690, country(b"TK")), (691, country(b"FM")),
    (692, country(b"MH")), (7, country(b"RU")), (76, country(b"KZ")), (77, country(b"KZ")),
    (7809, PremiumRate), (800, NonGeographic), (808, NonGeographic), (81, country(b"JP")),
    (81990, PremiumRate), (82, country(b"KR")), (84, country(b"VN")), (850, country(b"KP")),
    (852, country(b"HK")), (853, country(b"MO")), (855, country(b"KH")), (856, country(b"LA")),
    (86, country(b"CN")), (870, NonGeographic), (878, NonGeographic), (880, country(b"BD")),
    (881, NonGeographic), (882, NonGeographic), (883, NonGeographic), (886, country(b"TW")),
    (888, NonGeographic), (90, country(b"TR")), (91, country(b"IN")), (92, country(b"PK")),
    (93, country(b"AF")), (94, country(b"LK")), (95, country(b"MM")), (960, country(b"MV")),
    (961, country(b"LB")), (962, country(b"JO")), (963, country(b"SY")), (964, country(b"IQ")),
    (965, country(b"KW")), (966, country(b"SA")), (967, country(b"YE")), (968, country(b"OM")),
    (970, country(b"PS")), (971, country(b"AE")), (972, country(b"IL")), (973, country(b"BH")),
    (974, country(b"QA")), (975, country(b"BT")), (976, country(b"MN")), (977, country(b"NP")),
    (979, PremiumRate), (98, country(b"IR")), (991, NonGeographic), (992, country(b"TJ")),
    (993, country(b"TM")), (994, country(b"AZ")), (995, country(b"GE")), (996, country(b"KG")),
    (998, country(b"UZ")),
]);

/// Area codes of +1 that are not the United States', toll-free ones aside.
#[rustfmt::skip]
pub(super) static AREAS: &[(u32, Destination)] = &sorted([
    // Canada.
    (204, country(b"CA")), (226, country(b"CA")), (236, country(b"CA")), (249, country(b"CA")),
    (250, country(b"CA")), (257, country(b"CA")), (263, country(b"CA")), (289, country(b"CA")),
    (306, country(b"CA")), (343, country(b"CA")), (354, country(b"CA")), (365, country(b"CA")),
    (367, country(b"CA")), (368, country(b"CA")), (382, country(b"CA")), (387, country(b"CA")),
    (403, country(b"CA")), (416, country(b"CA")), (418, country(b"CA")), (428, country(b"CA")),
    (431, country(b"CA")), (437, country(b"CA")), (438, country(b"CA")), (450, country(b"CA")),
    (460, country(b"CA")), (468, country(b"CA")), (474, country(b"CA")), (506, country(b"CA")),
    (514, country(b"CA")), (519, country(b"CA")), (548, country(b"CA")), (568, country(b"CA")),
    (579, country(b"CA")), (581, country(b"CA")), (584, country(b"CA")), (587, country(b"CA")),
    (600, country(b"CA")), (604, country(b"CA")), (613, country(b"CA")), (622, country(b"CA")),
    (639, country(b"CA")), (647, country(b"CA")), (672, country(b"CA")), (683, country(b"CA")),
    (705, country(b"CA")), (709, country(b"CA")), (742, country(b"CA")), (753, country(b"CA")),
    (778, country(b"CA")), (780, country(b"CA")), (782, country(b"CA")), (807, country(b"CA")),
    (819, country(b"CA")), (825, country(b"CA")), (867, country(b"CA")), (873, country(b"CA")),
    (879, country(b"CA")), (902, country(b"CA")), (905, country(b"CA")), (942, country(b"CA")),
    // Islands with codes, and often prices, of their own.
    (242, country(b"BS")), (246, country(b"BB")), (264, country(b"AI")), (268, country(b"AG")),
    (284, country(b"VG")), (340, country(b"VI")), (345, country(b"KY")), (441, country(b"BM")),
    (473, country(b"GD")), (649, country(b"TC")), (658, country(b"JM")), (664, country(b"MS")),
    (670, country(b"MP")), (671, country(b"GU")), (684, country(b"AS")), (721, country(b"SX")),
    (758, country(b"LC")), (767, country(b"DM")), (784, country(b"VC")), (787, country(b"PR")),
    (809, country(b"DO")), (829, country(b"DO")), (849, country(b"DO")), (868, country(b"TT")),
    (869, country(b"KN")), (876, country(b"JM")), (939, country(b"PR")),
    // No place at all: personal communications and carriers' own services.
    (500, NonGeographic), (521, NonGeographic), (522, NonGeographic), (523, NonGeographic),
    (524, NonGeographic), (525, NonGeographic), (526, NonGeographic), (527, NonGeographic),
    (528, NonGeographic), (529, NonGeographic), (532, NonGeographic), (533, NonGeographic),
    (535, NonGeographic), (538, NonGeographic), (542, NonGeographic), (543, NonGeographic),
    (544, NonGeographic), (545, NonGeographic), (546, NonGeographic), (547, NonGeographic),
    (549, NonGeographic), (550, NonGeographic), (552, NonGeographic), (553, NonGeographic),
    (554, NonGeographic), (556, NonGeographic), (558, NonGeographic), (566, NonGeographic),
    (569, NonGeographic), (577, NonGeographic), (578, NonGeographic), (588, NonGeographic),
    (589, NonGeographic), (700, NonGeographic),
    // Premium rate.
    (900, PremiumRate),
]);
